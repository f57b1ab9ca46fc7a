# What every script has at hand. A script starts with:  . "$IOTESTS_COMMON"
# It runs in an empty scratch folder of its own ($TEST_DIR); the program under test is $BLOCKGRAPH.

# _notrun REASON: skips the script. A reason that starts with 'missing program:' fails a CI run, which has every program.
_notrun() {
    printf '%s' "$1" >"$IOTESTS_NOTRUN"
    exit 0
}

# _supported_fmt FORMAT...: skips the script for any other image format.
_supported_fmt() {
    local format
    for format in "$@"; do
        [[ $format == "$IMGFMT" ]] && return 0
    done
    _notrun "not for the format $IMGFMT"
}

# _supported_proto PROTOCOL...: skips the script for any other protocol.
_supported_proto() {
    local protocol
    for protocol in "$@"; do
        [[ $protocol == "$IMGPROTO" ]] && return 0
    done
    _notrun "not for the protocol $IMGPROTO"
}

# _unsupported_options PATTERN...: skips the script where images are made with such an option; a pattern is like 'compat=0.10' or 'cluster_size=*'.
_unsupported_options() {
    local pattern option options
    IFS=, read -ra options <<<"$IMGOPTS"
    for option in "${options[@]}"; do
        for pattern in "$@"; do
            # shellcheck disable=SC2053 # the right side is a pattern
            [[ $option == $pattern ]] && _notrun "not for images with $option"
        done
    done
}

# _step TEXT: a heading in the output.
_step() {
    printf '\n=== %s ===\n' "$*"
}

# _fail TEXT: ends the script; check counts it as failed.
_fail() {
    printf 'FAILED: %s\n' "$*"
    exit 1
}

# _filter: takes out of standard input what differs from run to run: the scratch folder, elapsed times with the rates made from them,
# generated node names.
_filter() {
    local line
    while IFS= read -r line || [[ -n $line ]]; do
        line=${line//"$TEST_DIR"/SCRATCH}
        line=${line//"$BLOCKGRAPH"/BLOCKGRAPH}
        if [[ $line =~ ^(.*[0-9]+\ ops\;\ ).*sec ]]; then
            line="${BASH_REMATCH[1]}TIME"
        elif [[ $line =~ ^([0-9]+,[0-9]+,)[0-9] ]]; then
            line="${BASH_REMATCH[1]}TIME"
        fi
        while [[ $line =~ ^(.*#block)[0-9]+(.*)$ ]]; do
            line="${BASH_REMATCH[1]}N${BASH_REMATCH[2]}"
        done
        printf '%s\n' "$line"
    done
}

# _filter_size BYTES: shows that number, wherever it stands in standard input, as IMG_SIZE.
_filter_size() {
    local line
    while IFS= read -r line || [[ -n $line ]]; do
        printf '%s\n' "${line//"$1"/IMG_SIZE}"
    done
}

# _blockgraph ARGUMENT...: runs the program with both its outputs filtered; an exit code other than 0 is a line of its own. Standard input
# goes through, so that commands can be piped in.
_blockgraph() {
    local code
    "$BLOCKGRAPH" "$@" >"$TEST_DIR/.printed" 2>&1
    code=$?
    _filter <"$TEST_DIR/.printed"
    rm -f "$TEST_DIR/.printed"
    ((code == 0)) || printf 'exit code %d\n' "$code"
}

# _io OPTIONS COMMAND...: opens OPTIONS and runs the commands one after the other.
_io() {
    local options=$1 command arguments=()
    shift
    for command in "$@"; do
        arguments+=(-c "$command")
    done
    _blockgraph io "$options" "${arguments[@]}"
}

# What a format needs to be opened: luks takes its key from an object. Every image of a script has the same.
imgobject=()
imgkey=
imgmake=$IMGOPTS
if [[ $IMGFMT == luks ]]; then
    imgobject=(--object secret,id=key0,data=correct-horse)
    imgkey=,key-secret=key0
    imgmake=${IMGOPTS:+$IMGOPTS,}key-secret=key0,iter-time=10
fi

# _make NAME SIZE [OPTIONS]: makes an image of the format, with the options that check was given and these.
_make() {
    local options=$imgmake${3:+${imgmake:+,}$3}
    _img create -q -f "$IMGFMT" ${options:+-o "$options"} "$1" "$2"
}

# _image NAME [OPTIONS]: how an image of the format is named by an option string.
_image() {
    printf 'driver=%s,file.filename=%s%s%s' "$IMGFMT" "$1" "$imgkey" "${2:+,$2}"
}

# _img VERB ARGUMENT...: 'blockgraph img VERB', with what the format needs.
_img() {
    local verb=$1
    shift
    _blockgraph img "$verb" "${imgobject[@]}" "$@"
}

# _on NAME COMMAND...: opens an image of the format and runs the commands of 'blockgraph io' one after the other.
_on() {
    local name=$1 command arguments=()
    shift
    for command in "$@"; do
        arguments+=(-c "$command")
    done
    _blockgraph io "${imgobject[@]}" "$(_image "$name")" "${arguments[@]}"
}

# _filter_format: shows the format's name in standard input as IMGFMT, so that formats can share an expected output.
_filter_format() {
    local line
    while IFS= read -r line; do
        printf '%s\n' "${line//"$IMGFMT"/IMGFMT}"
    done
}

# _refused ARGUMENT...: like _blockgraph, for what must be refused: exactly one line, exit code 1, nothing made or removed in the scratch folder.
_refused() {
    local before after lines
    before=$(ls -A "$TEST_DIR")
    lines=$(_blockgraph "$@" </dev/null)
    after=$(ls -A "$TEST_DIR")
    printf '%s\n' "$lines"
    [[ $before == "$after" ]] || printf 'the scratch folder changed: %s -> %s\n' "${before//$'\n'/ }" "${after//$'\n'/ }"
    [[ $(wc -l <<<"$lines") -eq 2 && $lines == *$'\nexit code 1' ]] || printf 'a refusal is one line and exit code 1\n'
}

# _bytes FILE OFFSET LENGTH: the bytes of a file, repeated rows folded into a star.
_bytes() {
    od -A d -t x1 -j "$2" -N "$3" "$1"
}

# _bytes_are FILE OFFSET LENGTH VALUE: compares a range with one repeated byte (VALUE like 0x11) and says what it found.
_bytes_are() {
    local value octal length others
    value=$(printf '0x%02x' "$4")
    octal=$(printf '\\%03o' "$4")
    length=$(_range "$1" "$2" "$3" | wc -c)
    others=$(_range "$1" "$2" "$3" | tr -d "$octal" | wc -c)
    if ((length == $3 && others == 0)); then
        printf '%s: %d bytes at %d are %s\n' "$1" "$3" "$2" "$value"
    else
        printf '%s: of %d bytes at %d, %d are there, and %d are not %s\n' "$1" "$3" "$2" "$length" "$others" "$value"
    fi
}

# _range FILE OFFSET LENGTH: the raw bytes of a range.
_range() {
    # Where the caller ignores SIGPIPE, tail complains that head has enough.
    tail -c "+$(($2 + 1))" "$1" 2>/dev/null | head -c "$3"
}
