#!/bin/sh
# Mirrors a list of files into a folder: `mirror.sh LIST TARGET`.
#
# A handler for syncmgr in POSIX sh with the tools of a base system (awk, sed, cat, cmp, mv, rm, wc). What it does is
# written in ../README.md; the obligations that the comments name (H-..) are those of the contract.
#
# The main shell reads what the manager says and answers at once; the copying is done by a shell in the background. The
# two share a private folder: a file `stop` or `skip.ITEM` there is a wish that came while the copying ran. Both write
# to standard output, each message with one printf shorter than 4,096 bytes, which no pipe takes apart.
set -u
LC_ALL=C
export LC_ALL
TAB=$(printf '\t')

if [ $# -ne 2 ]; then
    echo 'usage: mirror.sh LIST TARGET' >&2
    exit 2
fi
list=$1 target=$2
part_end=.mirror-part # ends the names of files that are not whole yet
private= worker= may_ask=false next_question=0

# --- JSON ------------------------------------------------------------------------------------------------------------

# Reads one JSON object and prints each of its plain values as `path<tab>value`, such as `params.items.0<tab>notes`.
# A quote inside a string has a backslash before it, so a string ends at the first quote without one. Line breaks and
# other control characters become blanks; no name or path that matters here has them.
flatten='
function give_up() { broken = 1; i = length(s) + 1 }
function blank() { while (index(" \t\r", c = substr(s, i, 1)) && c != "") i++; return c }
function string(    text, c) {
    text = ""
    for (i++; i <= length(s); i++) {
        c = substr(s, i, 1)
        if (c == "\"") { i++; return text }
        if (c == "\\") {
            c = substr(s, ++i, 1)
            if (c == "u") { i += 4; c = "?" }
            else if (index("bfnrt", c)) c = " "
        }
        text = text c
    }
    give_up()
}
function value(path,    c, n, key) {
    if (broken) return
    c = blank()
    if (c == "{" || c == "[") {
        i++; n = 0
        if (blank() == (c == "{" ? "}" : "]")) { i++; return }
        while (!broken) {
            if (c == "{") {
                if (blank() != "\"") { give_up(); return }
                key = string()
                if (blank() != ":") { give_up(); return }
                i++
            } else key = n++
            value(path == "" ? key : path "." key)
            blank()
            if (substr(s, i++, 1) != ",") return
        }
    } else if (c == "\"") {
        found = found path "\t" string() "\n"
    } else if (match(substr(s, i, 32), /^[-+.0-9a-zA-Z]+/)) {
        found = found path "\t" substr(s, i, RLENGTH) "\n"
        i += RLENGTH
    } else give_up()
}
{ s = $0; i = 1; broken = 0; found = ""; value(""); if (!broken) printf "%s", found }'

# Prints the values of the current message whose path is this one, or one of this list.
get() { printf '%s\n' "$message" | sed -n "s/^$1$TAB//p"; }

# Prints a text as it stands between the quotes of a JSON string.
quoted() { printf '%s' "$1" | tr '\001-\037\177' ' ' | sed 's/[\\"]/\\&/g'; }

send() { printf '{"jsonrpc":"2.0",%s}\n' "$1"; }
answer() { send "\"id\":$id,\"result\":$1"; }
refuse() { send "\"id\":$id,\"error\":{\"code\":$1,\"message\":\"$2\"$3}"; }
tell() { send "\"method\":\"$1\",\"params\":{$2}"; }

# progress ITEM STATUS [FURTHER FIELDS]
progress() { tell progress "\"item\":\"$(quoted "$1")\",\"status\":\"$2\"${3:+,$3}"; }

# --- The list --------------------------------------------------------------------------------------------------------

# Writes `name<tab>ask<tab>source` for every source into the private folder, and the numbers of wrong lines.
read_list() {
    [ -f "$list" ] && [ -r "$list" ] || return 1
    awk -v wrong="$private/wrong" '
        BEGIN { printf "" > wrong }
        { sub(/\r$/, ""); gsub(/^[ \t]+|[ \t]+$/, "") }
        /^$/ || /^#/ { next }
        {
            name = $1; source = $0; ask = "no"
            sub(/^[^ \t]+[ \t]*/, "", source)
            if (sub(/^\?[ \t]*/, "", source)) ask = "yes"
            # Identifiers are equal without regard to case.
            if (source == "" || length(name) > 63 || name !~ /^[A-Za-z0-9_-][A-Za-z0-9._-]*$/ || known[tolower(name)]++)
                print NR > wrong
            else
                print name "\t" ask "\t" source
        }' "$list" >"$private/sources"
}

# Prints whether to ask about an item, and its source; fails when it is not in the list. `""` compares as text.
lookup() { awk -F '\t' -v name="$1" '$1 "" == name "" { sub(/^[^\t]*\t/, ""); print; found = 1; exit } END { exit !found }' "$private/sources"; }

# --- Requests of the manager -----------------------------------------------------------------------------------------

initialize() {
    if ! get 'params\.contract\.[0-9]*' | grep -qx 1; then
        refuse -31001 'only version 1 is spoken here' ',"data":{"supported":[1]}'
        return
    fi
    may_ask=$(get 'params\.mayBotherUser')
    state=$(get 'params\.stateDir')
    [ -n "$state" ] && [ -d "$state" ] || state=${TMPDIR:-/tmp}
    private=$state/mirror.$$
    for left in "$state"/mirror.*; do
        # What killed instances left behind.
        [ -d "$left" ] && ! kill -0 "${left##*.}" 2>/dev/null && rm -rf "$left"
    done
    if ! (umask 077 && mkdir "$private"); then
        refuse -31002 'its folder could not be made' ''
        return
    fi
    : >"$private/chosen"
    # When the line is about to go, mirroring must not hold it up (H-06).
    takes_part=true
    [ "$(get 'params\.event')" = pending-disconnect ] && takes_part=false
    answer "{\"contract\":1,\"features\":[\"error/show\"],\"takesPart\":$takes_part,\"handler\":{\"name\":\"Mirror\",\"version\":\"1\"}}"
}

items_list() {
    if ! read_list; then
        refuse -31002 'the list could not be read' ',"data":{"hint":"see the first argument"}'
        return
    fi
    cursor=$(get 'params\.cursor')
    case $cursor in '' | *[!0-9]*) cursor=0 ;; esac
    incomplete=false
    [ -s "$private/wrong" ] && incomplete=true
    if [ "$cursor" -eq 0 ]; then
        while read -r number; do
            tell log "\"level\":\"warning\",\"text\":\"line $number of the list is no source\""
        done <"$private/wrong"
    fi
    # At most 500 items in one message; names need no quoting.
    answer "$(awk -F '\t' -v start="$cursor" -v incomplete=$incomplete '
        NR > start && NR <= start + 500 { items = items (items == "" ? "" : ",") "{\"id\":\"" $1 "\",\"name\":\"" $1 "\"}" }
        END {
            next_page = NR > start + 500 ? ",\"next\":\"" (start + 500) "\"" : ""
            print "{\"items\":[" items "],\"incomplete\":" incomplete next_page "}"
        }' "$private/sources")"
}

prepare() {
    get 'params\.items\.[0-9]*' >>"$private/chosen"
    if [ "$(get 'params\.more')" = true ]; then
        answer '{"started":"yes"}'
        return
    fi
    rm -f "$private"/stop "$private"/skip.* "$private"/question.*
    if ! read_list; then
        : >"$private/chosen"
        answer '{"started":"no","reason":"the list could not be read"}'
        return
    fi
    awk -F '\t' 'NR == FNR { chosen[$0] = 1; next } $2 == "yes" && $1 in chosen { print $1 }' \
        "$private/chosen" "$private/sources" >"$private/doubtful"
    if [ -s "$private/doubtful" ] && [ "$may_ask" != true ]; then
        # Somebody must be asked and may not be (H-28).
        : >"$private/chosen"
        answer '{"started":"needs-user"}'
        return
    fi
    while read -r item; do
        printf '%s\n' "$item" >"$private/question.$next_question"
        send "\"id\":$next_question,\"method\":\"prompt\",\"params\":{\"item\":\"$item\",\"key\":\"copy-$item\",\"kind\":\"question\",\"text\":\"Copy $item now?\",\"choices\":[{\"name\":\"yes\",\"label\":\"Copy it\"},{\"name\":\"no\",\"label\":\"Not this time\"}]}"
        next_question=$((next_question + 1))
    done <"$private/doubtful"
    answer '{"started":"yes"}'
    prepared
}

# Preparation is over when no question waits for its answer.
prepared() {
    for question in "$private"/question.*; do
        [ -e "$question" ] && return
    done
    outcome=done
    [ -e "$private/stop" ] && outcome=cancelled
    tell prepare/completed "\"outcome\":\"$outcome\""
}

# An answer to a question of ours.
answered() {
    case $id in '' | *[!0-9]*) return ;; esac
    [ -e "$private/question.$id" ] || return
    read -r item <"$private/question.$id"
    [ "$(get 'result\.choice')" = yes ] || : >"$private/skip.$item"
    rm "$private/question.$id"
    prepared
}

synchronize() {
    mv "$private/chosen" "$private/running"
    : >"$private/chosen"
    run </dev/null &
    worker=$!
    answer '{"started":"yes"}'
}

# The link under an error means "try again" here (H-46).
show_error() {
    answer '{"started":"yes"}'
    tell error/completed "\"retry\":[\"$(quoted "$(get 'params\.error')")\"]"
}

item_status() {
    [ -n "$private" ] || return
    item=$(get 'params\.item')
    case $(get 'params\.verdict') in
    continue) return ;;
    cancel-item) case $item in '' | *[!A-Za-z0-9._-]*) return ;; *) : >"$private/skip.$item" ;; esac ;;
    *) : >"$private/stop" ;;
    esac
    interrupt
}

# Makes the copying look at the wishes.
interrupt() { [ -n "$worker" ] && kill -USR1 "$worker" 2>/dev/null; }

# --- The work, in a shell of its own ---------------------------------------------------------------------------------

run() {
    item= copy=
    trap 'cancelled && [ -n "$copy" ] && kill "$copy" 2>/dev/null' USR1
    if ! read_list || ! mkdir -p "$target"; then
        tell synchronize/completed '"outcome":"failed","reason":"the list or the target cannot be used","failure":"hard"'
        return
    fi
    # What a killed run left behind.
    rm -f "$target"/.*"$part_end"
    while read -r item; do
        [ -e "$private/stop" ] && break
        if [ -e "$private/skip.$item" ]; then
            progress "$item" skipped
        elif found=$(lookup "$item"); then
            mirror "${found#*"$TAB"}"
        else
            progress "$item" deleted '"text":"is no longer in the list"'
        fi
    done <"$private/running"
    outcome=done
    [ -e "$private/stop" ] && outcome=cancelled
    tell synchronize/completed "\"outcome\":\"$outcome\""
}

cancelled() { [ -e "$private/stop" ] || [ -e "$private/skip.$item" ]; }

mirror() {
    source=$1 part=$target/.$item$part_end
    # A name that begins with a dash is no option.
    case $source in /*) ;; *) source=./$source ;; esac
    progress "$item" updating "\"text\":\"reading $item\""
    cat "$source" >"$part" 2>/dev/null &
    copy=$!
    # A wish that came before the copy had a number.
    cancelled && kill "$copy" 2>/dev/null
    # A signal ends `wait` too, so the copy is over only when it is gone.
    wait "$copy" 2>/dev/null
    code=$?
    while kill -0 "$copy" 2>/dev/null; do
        wait "$copy" 2>/dev/null
        code=$?
    done
    copy=
    if cancelled; then
        rm -f "$part"
        status=skipped
        [ -e "$private/stop" ] && status=stopped
        progress "$item" $status
    elif [ $code -ne 0 ]; then
        rm -f "$part"
        if [ ! -e "$source" ]; then why='does not exist'
        elif [ -d "$source" ]; then why='is a folder'
        elif [ ! -r "$source" ]; then why='may not be read'
        else why='could not be copied'
        fi
        tell log "\"level\":\"error\",\"item\":\"$item\",\"text\":\"the source of $item $why\",\"error\":\"$item\",\"jump\":true"
        progress "$item" failed "\"text\":\"the source $why\",\"failure\":\"hard\""
    elif cmp -s "$part" "$target/$item"; then
        rm -f "$part"
        progress "$item" succeeded
    else
        bytes=$(($(wc -c <"$part")))
        # The old file or the whole new one, never half a file.
        if mv -f "$part" "$target/$item"; then
            progress "$item" succeeded "\"counts\":{\"received\":1,\"bytes\":$bytes}"
        else
            progress "$item" failed '"text":"could not be put into its place","failure":"hard"'
        fi
    fi
}

# --- The conversation ------------------------------------------------------------------------------------------------

trap '' USR1
trap '[ -n "$private" ] && rm -rf "$private"' EXIT
trap 'exit 1' HUP INT TERM

released=
while IFS= read -r line; do
    message=$(printf '%s\n' "$line" | awk "$flatten")
    id=$(get id) method=$(get method)
    case $method in
    initialize) initialize ;;
    items/list) items_list ;;
    prepare) prepare ;;
    synchronize) synchronize ;;
    error/show) show_error ;;
    item/status) item_status ;;
    release)
        released=$id
        break
        ;;
    '') answered ;;
    *) [ -n "$id" ] && refuse -32601 'no such method' '' ;;
    esac
done
# Released, or the manager is gone: leave everything, complete, answer, exit.
if [ -n "$worker" ]; then
    : >"$private/stop"
    interrupt
    wait "$worker"
fi
if [ -n "$released" ]; then
    id=$released
    answer '{}'
fi
