# What zsh offers for a line: zsh -f offer.zsh SCRIPT FOLDER LINE
# One offer a line, as it would stand on the command line: an interactive zsh on a pseudo-terminal, which a TAB asks.
zmodload zsh/zpty
zpty shell zsh -f -i
zpty -w shell "PS1=; stty -echo; source ${(q)0:h}/watched.zsh ${(q)1}; cd ${(q)2}; print REA''DY"
zpty -r -m shell ready '*READY*'
zpty -w -n shell "$3"$'\t'
zpty -r -m shell offered '*DONE*'
print -r -- "$offered" | tr -d '\r' | sed -n 's/^OFFERED://p'
zpty -d shell
