namespace BlockGraph.Tools.Tests.Differential;

/// <summary>What stands for <c>{name}</c> in the entries of a grammar: one of these, drawn anew at each place, in which others may stand again.</summary>
internal static class GrammarWords
{
    private static readonly Dictionary<string, IReadOnlyList<string>> s_all = new()
    {
        ["p"] = ["0", "1", "7", "11", "40", "41", "42", "0xff"],
        ["at"] = ["0", "0", "512", "1000", "4k", "32k", "60k", "64k", "65535", "100k", "128k", "192k", "256k", "511k", "512k", "600k", "640k", "700k", "768k", "832k", "960k", "1048000", "1M"],
        ["len"] = ["0", "1", "512", "1000", "4k", "3000", "32k", "64k", "64k", "65537", "100k", "128k", "192k", "256k", "300k", "512k"],
        ["cluster"] = ["0", "0", "64k", "128k", "192k", "320k", "384k", "448k", "512k", "576k", "768k", "960k"],
        ["size"] = ["0", "512", "1000", "64k", "300k", "512k", "700k", "1M", "1000k", "1100000", "1536k", "2M", "3M", "5M"],

        // Commands of qemu-io on an image; a word for each is its -c with what must follow it.
        ["io"] =
        [
            "{change}", "{change}", "{change}", "{look}", "{compressed}", "{zeroes}", "{zeroes}",
        ],
        ["plain"] = ["{change}", "{change}", "{look}", "{zeroes}"],
        ["change"] =
        [
            "-c 'write -P {p} {at} {len}'", "-c 'write -P {p} {at} {len}'", "-c 'writev -P {p} {at} {len} {len}'", "-c 'aio_write -P {p} {at} {len}' -c aio_flush", "-c 'write -s data.raw {at} {len}'", "-c 'write -q -P {p} {at} {len}'",
            "-c 'write -f -P {p} {at} {len}'", "-c 'aio_write -z {at} {len}' -c aio_flush", "-c 'truncate {size}'", "-c 'write -C -P {p} {at} {len}'",
        ],
        ["zeroes"] = ["-c 'write -z {at} {len}'", "-c 'write -z -u {at} {len}'", "-c 'write -z -n {at} {len}'", "-c 'discard {at} {len}'", "-c 'discard {cluster} 128k'", "-c 'write -z -u {cluster} 64k'", "-c 'write -z {cluster} 64k'", "-c 'aio_write -z -u {at} {len}' -c aio_flush"],
        ["compressed"] = ["-c 'write -c -P {p} {cluster} 64k'", "-c 'write -c -P {p} {cluster} 64k'", "-c 'write -c -P {p} {cluster} 128k'", "-c 'write -c -P {p} {at} {len}'"],
        ["look"] =
        [
            "-c 'read -P {p} {at} {len}'", "-c 'read -P 0 {at} {len}'", "-c 'readv -P {p} {at} {len} {len}'", "-c 'aio_read -P {p} {at} {len}' -c aio_flush", "-c map", "-c 'alloc {at} {len}'", "-c length", "-c flush", "-c 'read -v {at} 40'", "-c reopen",
            "-c 'read -l 16 -s 3 -P {p} {at} {len}'", "-c 'aio_read -q {at} {len}' -c aio_flush", "-c 'read -C {at} {len}'", "-c 'alloc {at}'", "-c info",
        ],
        ["wrongio"] =
        [
            "-c 'write -c {at} {len}'", "-c 'write -P {p} {at} 2M'", "-c 'read {at} 9E'", "-c 'write -z -P 1 {at} {len}'", "-c 'write -c -z {at} {len}'", "-c 'discard {at} 3G'", "-c 'truncate 1x'", "-c 'truncate -m {prealloc} {size}'", "-c 'alloc {at} {at} 1'",
            "-c 'writev {at}'", "-c 'write -u {at} {len}'", "-c 'aio_write -P 256 {at} {len}'", "-c 'aio_read -x {at} {len}'", "-c 'reopen -r' -c 'write {at} {len}'", "-c 'reopen -c unsafe -o read-only=on'", "-c 'reopen -o {openoption}'", "-c 'read -b {at} {len}'",
            "-c 'write -s missing {at} {len}'", "-c 'read -P {p} {at} -1'", "-c 'write {at} {len} {len}'", "-c 'discard -1 {len}'", "-c 'length {at}'", "-c 'truncate'", "-c 'aio_write -c {at} {len}'", "-c 'close' -c 'read {at} {len}'", "-c 'write -b -P {p} {at} {len}'",
        ],
        ["prealloc"] = ["off", "metadata", "falloc", "full", "foo"],
        ["openoption"] =
        [
            "lazy-refcounts=on", "cache-size=1M", "l2-cache-size=64k", "refcount-cache-size=256k", "cache-size=x", "l2-cache-entry-size=4k", "l2-cache-entry-size=5k", "overlap-check=none", "overlap-check=foo", "pass-discard-request=off",
            "discard=unmap", "detect-zeroes=on", "detect-zeroes=unmap,discard=unmap", "cache-clean-interval=5", "cache-size=1M,l2-cache-size=2M", "l2-cache-size=1M,refcount-cache-size=1M,cache-size=3M", "cache.direct=on", "read-only=on", "auto-read-only=on",
            "foo=1", "driver=qcow2", "driver=raw", "file.locking=off", "backing=foo", "data-file=foo", "encrypt.format=luks", "l2-cache-size=9E", "force-share=on",
        ],

        // How an image is made.
        ["made"] =
        [
            "compat=1.1", "compat=0.10", "cluster_size=512", "cluster_size=1k", "cluster_size=4k", "cluster_size=16k", "cluster_size=128k", "cluster_size=2M", "refcount_bits=1", "refcount_bits=2", "refcount_bits=4", "refcount_bits=8", "refcount_bits=32", "refcount_bits=64",
            "extended_l2=on,cluster_size=64k", "extended_l2=on,cluster_size=16k", "lazy_refcounts=on", "data_file=a.data", "data_file=a.data,data_file_raw=on", "compression_type=zstd", "preallocation=metadata", "preallocation=full", "extended_l2=on",
        ],
        ["wrongmade"] =
        [
            "compat=1", "compat=", "cluster_size=1x", "cluster_size=0", "cluster_size=-1", "cluster_size=64k,cluster_size=3k", "cluster_size=64", "refcount_bits=0", "refcount_bits=65", "refcount_bits=-1", "refcount_bits=x", "extended_l2=maybe", "lazy_refcounts=2", "data_file=",
            "data_file=missing/x", "data_file_raw=on", "compression_type=", "compression_type=lz4", "preallocation=meta", "backing_file=missing", "backing_fmt=raw", "size=1x", "size=-5", "size=", "foo", "foo=bar", "encryption=on", "encryption=maybe", "encrypt.format=luks",
            "encrypt.format=foo", "encrypt.key-secret=x", "encrypt.format=aes,encrypt.key-secret=x", "compat=0.10,extended_l2=on", "compat=0.10,data_file=a.data", "compat=0.10,compression_type=zstd", "compat=0.10,lazy_refcounts=on", "compat=0.10,refcount_bits=8",
            "extended_l2=on,cluster_size=8k", "nocow=maybe", "data_file=data.raw,backing_file=data.raw,backing_fmt=raw,data_file_raw=on", "compat=v3,compat=v2", "preallocation=full,backing_file=data.raw,backing_fmt=raw", "refcount_bits=16 -o refcount_bits=3", "size=1M -o size=2M",
            "encrypt.format=luks,encrypt.cipher-alg=aes-256", "encryption=off,encrypt.format=luks", "cluster_size=0x200", "refcount_bits=0x10", "compression_type=zlib,compat=0.10", "?", "help", "preallocation=falloc,data_file=a.data",
        ],

        ["anymade"] =
        [
            "qemu-img create -f qcow2 -o {made} a.qcow2 {size}; qemu-io {change} {zeroes} a.qcow2", "qemu-img create -f qcow2 -o {made},{made} a.qcow2 1M; qemu-io {change} {change} {zeroes} a.qcow2",
            "qemu-img create -f qcow2 -o {made} -b data.raw -F raw a.qcow2; qemu-io {zeroes} {change} a.qcow2", "qemu-img create -f qcow2 -o {made} -b {base} -F raw a.qcow2 {size}; qemu-io {zeroes} {change} a.qcow2",
            "qemu-img create -f qcow2 -b {base} -F raw base.qcow2; qemu-io {change} base.qcow2; qemu-img create -f qcow2 -o {made} -b base.qcow2 -F qcow2 a.qcow2 {size}; qemu-io {change} {zeroes} a.qcow2",
            "qemu-img create -f qcow2 -o {made} base.qcow2 {size}; qemu-io {change} base.qcow2; qemu-img create -f qcow2 -b base.qcow2 -F qcow2 a.qcow2; qemu-io {io} {zeroes} a.qcow2",
            "qemu-img convert -f raw -O qcow2 {copy} {base} a.qcow2; qemu-io {io} {io} a.qcow2", "qemu-img create -f qcow2 -o {made} a.qcow2 1M; qemu-io {change} {compressed} {zeroes} {compressed} a.qcow2",
            "qemu-img create -f qcow2 -o {made},{wrongmade} a.qcow2 1M; qemu-io {change} a.qcow2",
        ],
        ["base"] = ["data.raw", "zero.raw", "long.raw", "odd.raw", "empty.raw", "other.raw"],

        // What happens to it, and how a copy is made.
        ["script"] = ["qemu-io {io} {io} {io} a.qcow2", "qemu-io {io} {io} {io} {io} {io} a.qcow2", "qemu-io {change} {zeroes} {change} {look} a.qcow2", "qemu-io {compressed} {io} {compressed} a.qcow2", "qemu-io -d unmap {zeroes} {zeroes} {change} a.qcow2", "qemu-io -n {io} {wrongio} {io} a.qcow2"],
        ["step"] =
        [
            "qemu-img resize --preallocation={prealloc} a.qcow2 {size}", "qemu-img resize --shrink a.qcow2 {size}", "qemu-img resize a.qcow2 +{size}", "qemu-img amend -o {made} a.qcow2", "qemu-img amend -o size={size} a.qcow2", "qemu-img rebase -b {base} -F raw a.qcow2",
            "qemu-img rebase -u -b {base} -F raw a.qcow2", "qemu-img snapshot -c s1 a.qcow2; {script}; qemu-img snapshot -a s1 a.qcow2", "qemu-img snapshot -c s1 a.qcow2; {script}; qemu-img snapshot -d s1 a.qcow2", "qemu-img snapshot -c s2 a.qcow2; qemu-img resize a.qcow2 {size}; qemu-img snapshot -l a.qcow2",
            "qemu-img bitmap --add -g {size} a.qcow2 b3; {script}", "qemu-img bitmap --add a.qcow2 b3; qemu-img bitmap --merge b1 a.qcow2 b3", "qemu-img commit -d a.qcow2", "qemu-img commit -b base.qcow2 a.qcow2", "qemu-img rebase -f qcow2 -b base.qcow2 -F qcow2 a.qcow2",
        ],
        ["copy"] = ["-c", "-o {made}", "-S 0", "-S 4k", "-S {wrongsize}", "-c -o compression_type=zstd", "-n", "-o {made},{made}", "-m 1 -W", "-c -o {made}", "-o preallocation={prealloc}", "-o {wrongmade}", "-q", "-p", "-C", "-r 1G -S 64k", "--salvage"],
        ["lookcopy"] =
        [
            "qemu-img convert -O qcow2 {copy} a.qcow2 d.qcow2; qemu-img map --output=json d.qcow2", "qemu-img convert -O raw {copy} a.qcow2 d.raw; qemu-img map d.raw", "qemu-img create -f qcow2 -o {made} d.qcow2 {size}; qemu-img convert -n -O qcow2 {copy} a.qcow2 d.qcow2; qemu-img compare -s a.qcow2 d.qcow2",
            "qemu-img dd -O qcow2 if=a.qcow2 of=d.qcow2 {dd}; qemu-img map --output=json d.qcow2; qemu-img check d.qcow2", "qemu-img dd if=a.qcow2 of=d.raw {dd}; qemu-img compare a.qcow2 d.raw", "qemu-img convert -O qcow2 -B {base} -F raw {copy} a.qcow2 d.qcow2; qemu-img map --output=json d.qcow2; qemu-img info d.qcow2",
            "qemu-img convert -O qcow2 {copy} a.qcow2 d.qcow2; qemu-img check d.qcow2; qemu-img compare -s a.qcow2 d.qcow2", "qemu-img convert -O qcow2 {copy} -B base.qcow2 -F qcow2 a.qcow2 d.qcow2; qemu-img map --output=json d.qcow2", "qemu-img create -f qcow2 -b {base} -F raw d.qcow2; qemu-img convert -n -O qcow2 {copy} a.qcow2 d.qcow2; qemu-img map --output=json d.qcow2",
            "qemu-img convert -O qcow2 -l {snapshot} {copy} a.qcow2 d.qcow2; qemu-img map d.qcow2",
        ],
        ["snapshot"] = ["s1", "s2", "1", "snapshot.id=1", "snapshot.name=s1", "snapshot.id=1,snapshot.name=s2", "snapshot.foo=1", "snapshot.name=nothing", "''"],
        ["dd"] = ["bs=64k", "bs=1M", "bs=4k count=7", "bs=64k skip=1", "bs=1000 skip=3 count=70", "bs=100k", "count=100", "skip=100", "bs=2M skip=1", "bs=3k count=20 skip=21", "bs=64k skip=30", "bs=512 count=0"],
        ["wrongdd"] = ["bs={wrongsize}", "count={wrongsize}", "skip={wrongsize}", "seek=1", "bs=2G count=1", "if=data.raw", "of=e.raw", "conv=sync", "bs", "count=", "=1", "skip=9E"],

        ["count"] = ["1", "2", "8", "16", "17", "0"],

        // Where a size or a number is told, and it is wrong.
        ["wrongsize"] = ["1x", "x", "''", "-1", "+1", "1.5", "0x", "1kk", "9E", "8E", "7.9999999E", "18446744073709551615", "18446744073709551616", "99999999999999999999", "1e3", "' 1'", "1b", "1M1", "--1", "1..5M", "0.5", "NaN", "inf", "0x1k", "1ki"],

        // Nothing that would be waited for: a byte a second.
        ["wrongrate"] = ["1x", "x", "''", "-1", "0x", "1kk", "9E", "8E", "18446744073709551616", "1e3", "' 1'", "--1", "1..5M", "NaN"],
    };

    /// <summary>The words of that name.</summary>
    public static IReadOnlyList<string> Of(string name) => s_all.TryGetValue(name, out IReadOnlyList<string>? words) ? words : throw new InvalidOperationException($"There are no words '{{{name}}}'.");
}
