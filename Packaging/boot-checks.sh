#!/bin/bash
# Runs inside the machine that boot.sh boots: tries dseg's units under systemd, writes PASS, FAIL or NOTE lines to the
# console, and turns the machine off.
export HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin
cd /tmp || exit 1
picture=/usr/share/dseg/self-test/picture.png
settings=/etc/dseg/dsegd.conf
failures=0
# Emulated processors take their time.
patience=1
[ "$(systemd-detect-virt)" = kvm ] || patience=10

note() { echo "NOTE $*"; }
# check NAME COMMAND...
check() {
    local name=$1 said
    shift
    if said=$("$@" 2>&1); then
        echo "PASS $name"
    else
        echo "FAIL $name: $* ended with $?: ${said//$'\n'/; }"
        failures=$((failures + 1))
    fi
}

shown() { systemctl show --value -p "$1" dsegd.service; }
is() { [ "$(shown "$1")" = "$2" ] || { shown "$1"; false; }; }
isnt() { [ "$(shown "$1")" != "$2" ]; }
more() { [ "$(shown "$1")" -gt "$2" ] || { shown "$1"; false; }; }
state() { [ "$(systemctl is-active "$1")" = "$2" ] || { systemctl status --no-pager "$1"; false; }; }
# eventually SECONDS COMMAND...: the seconds as a processor that is not emulated needs
eventually() {
    local end=$((SECONDS + $1 * patience))
    shift
    until "$@" > /dev/null 2>&1; do
        [ "$SECONDS" -lt "$end" ] || { "$@"; return; }
        sleep 0.2
    done
}
# Whether the answer is the one that no daemon gives, too.
ask() { dseg mask $picture "cat, tree" -o - > answer.png && cmp answer.png alone.png; }
# The same by a model of another name, which the file says.
ask_other() { dseg mask $picture "cat, tree" -o - --model other > other.png; }
milliseconds() { echo $(($(date +%s%N) / 1000000)); }
# timed NAME COMMAND...: a check, and how long it took
timed() {
    local began name=$1
    began=$(milliseconds)
    check "$@"
    note "$name: $(($(milliseconds) - began)) ms"
}
as_nobody() { setpriv --reuid=nobody --clear-groups --regid="$1" -- "${@:2}"; }
refused() {
    as_nobody nogroup dseg status
    [ $? = 69 ]
}
answers_group() { as_nobody dseg dseg status > /dev/null; }
# Both bring the unit to what it says on the disk.
restart_anew() { systemctl daemon-reload && systemctl restart dsegd; }

note "boot: $(systemctl is-system-running --wait), $(systemctl --failed --plain --no-legend | wc -l) units failed"
note "$(systemd-analyze time | head -1)"
check "the socket is open" state dsegd.socket active
check "the service waits for a connection" state dsegd.service inactive
check "the socket is root's and the group's" [ "$(stat -c '%U %G %a' /run/dseg/dseg.sock)" = "root dseg 660" ]
dseg mask $picture "cat, tree" --no-daemon -o - > alone.png
timed "the first call starts the daemon, which answers" ask
check "it is active" state dsegd.service active
timed "a call to a running daemon" ask
check "somebody else is refused" refused
check "the group is not" answers_group
check "its status is told" isnt StatusText ""
note "status: $(shown StatusText)"
note "memory: $(shown MemoryCurrent) of $(shown MemoryMax); tasks: $(shown TasksCurrent)"
check "its memory is bounded" isnt MemoryMax infinity
check "its exposure is 0.5 at most" systemd-analyze security --no-pager --threshold=5 dsegd.service
note "$(systemd-analyze security --no-pager dsegd.service | tail -1)"

check "weights are kept by systemd" more NFileDescriptorStore 0
kept=$(shown NFileDescriptorStore)
process=$(shown MainPID)
check "it restarts" systemctl restart dsegd
timed "the new one answers" ask
check "it is another process" isnt MainPID "$process"
check "the kept weights are as many" is NFileDescriptorStore "$kept"
note "$(dseg ps | head -2 | tail -1)"

process=$(shown MainPID)
check "it reloads" systemctl reload dsegd
sleep 1
check "the same process answers" ask
check "which it is" is MainPID "$process"

kill -KILL "$process"
timed "a call beside a killed daemon is answered" ask
check "by a daemon that was started again" is NRestarts 1
check "the kept weights are as many after that" is NFileDescriptorStore "$kept"

journalctl --sync
journalctl -o json MESSAGE_ID=0a57b5e314bb44c5ad83a2f211c000d2 > calls.json
check "the journal has calls with their fields" grep -q '"DSEG_UID":"0"' calls.json
note "$(tail -1 calls.json | tr ',' '\n' | grep -E '"(MESSAGE|DSEG_[A-Z_]*)"' | tr '\n' ' ')"

cp -r /usr/share/dseg/demo /srv/model
check "a model is added to the system's registry" dsegd model add --system /srv/model --name other
check "the sandboxed daemon reads it" ask_other
# It would be the one that answers, were it left there.
check "it is removed from there" dsegd model remove --system other

# Settings that mean nothing: the daemon cannot start, and the socket waits for better ones.
cp $settings settings
echo "nonsense = 1" >> $settings
systemctl restart dsegd
restarts=$(shown NRestarts)
check "a daemon that cannot start is started again and again" eventually 10 more NRestarts $((restarts + 6))
check "the socket survives a daemon that cannot start" state dsegd.socket active
printf 'keep-alive = 1s\nidle-exit = 2s\n' > $settings
timed "better settings are taken by the next start" ask
check "a daemon that is not needed ends" eventually 20 state dsegd.service inactive
check "without failing" is Result success
check "its socket stays" state dsegd.socket active
timed "the next call starts it again" ask
cp settings $settings

mkdir -p /run/systemd/system/dsegd.service.d
printf '[Service]\nWatchdogSec=%s\n' $((3 * patience)) > /run/systemd/system/dsegd.service.d/watchdog.conf
check "it restarts with a short watchdog" restart_anew
process=$(shown MainPID)
restarts=$(shown NRestarts)
kill -STOP "$process"
check "a daemon that hangs is started again" eventually 10 more NRestarts "$restarts"
timed "and answers" ask

useradd --create-home ann
loginctl enable-linger ann
own() {
    setpriv --reuid=ann --regid=ann --init-groups env HOME=/home/ann "XDG_RUNTIME_DIR=/run/user/$(id -u ann)" "$@"
}
eventually 20 own systemctl --user is-system-running > /dev/null
check "a user opens a socket of their own" own systemctl --user start dsegd.socket
check "by which their daemon answers" own dseg mask $picture "cat, tree" -o /home/ann
check "which is theirs" own systemctl --user is-active dsegd.service
check "with the same mask" cmp /home/ann/picture.mask.png alone.png

journalctl --no-pager -p warning -u dsegd -o cat | sort | uniq -c | sed 's/^ */NOTE log: /'
if [ "$failures" = 0 ]; then echo "boot-checks: all pass"; else echo "boot-checks: $failures failed"; fi
systemctl poweroff
