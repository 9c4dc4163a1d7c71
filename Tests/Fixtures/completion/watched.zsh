# Sourced by the zsh that offer.zsh asks: tells each match that a completion script adds.
autoload -U compinit
compinit -u -D
source "$1"
compadd() {
    # Those that fill arrays (-A, -D, -O) add nothing.
    if [[ ${@[1,(i)(-|--)]} != *-(A|D|O)\ * ]]; then
        local -a offered
        builtin compadd -A offered "$@"
        print
        print -rl -- OFFERED:${^offered}
    fi
    builtin compadd "$@"
}
ended() { print DO''NE }
comppostfuncs=(ended)
bindkey '^I' complete-word
