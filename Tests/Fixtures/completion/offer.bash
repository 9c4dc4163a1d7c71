# What bash would offer for the last of some words: bash offer.bash SCRIPT FOLDER WORD...
# One offer a line. COMP_WORDS is as readline makes it of words without marks of COMP_WORDBREAKS.
source "$1" && cd "$2" || exit 1
shift 2
COMP_WORDS=("$@")
COMP_CWORD=$(($# - 1))
COMP_LINE="$*"
COMP_POINT=${#COMP_LINE}
registered=$(complete -p "$1")
function=${registered##*-F }
"${function%% *}" "$1" "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}" 2> /dev/null
printf '%s\n' "${COMPREPLY[@]}"
