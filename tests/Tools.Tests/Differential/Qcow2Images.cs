namespace BlockGraph.Tools.Tests.Differential;

/// <summary>What the lines on qcow2 images share: how an image comes to be, what happens to it, and how it is looked at. The image is <c>a.qcow2</c> everywhere.</summary>
internal static class Qcow2Images
{
    private const string Fill = "qemu-io -c 'write -P 1 0 128k' -c 'write -P 2 512k 70000' -c 'write -z 768k 64k' a.qcow2";

    // Holes in what was allocated at once are seen by this program alone.
    private const string FillAll = "qemu-io -c 'write -P 1 0 1M' -c 'write -P 2 512k 70000' a.qcow2";

    /// <summary>How an image comes to be.</summary>
    public static IReadOnlyList<string> Made { get; } =
    [
        $"qemu-img create -f qcow2 a.qcow2 1M; {Fill}",
        $"qemu-img create -f qcow2 -o compat=0.10 a.qcow2 1M; {Fill}",
        $"qemu-img create -f qcow2 -o cluster_size=4k,lazy_refcounts=on a.qcow2 1M; {Fill}",
        $"qemu-img create -f qcow2 -o cluster_size=512,refcount_bits=8 a.qcow2 1M; {Fill}",
        $"qemu-img create -f qcow2 -o refcount_bits=1 a.qcow2 1M; {Fill}",
        $"qemu-img create -f qcow2 -o refcount_bits=64,cluster_size=2M a.qcow2 1M; {Fill}",
        $"qemu-img create -f qcow2 -o extended_l2=on,cluster_size=128k a.qcow2 1M; {Fill}",
        $"qemu-img create -f qcow2 -o preallocation=metadata a.qcow2 1M; {Fill}",
        $"qemu-img create -f qcow2 -o preallocation=falloc a.qcow2 1M; {FillAll}",
        $"qemu-img create -f qcow2 -o data_file=a.data a.qcow2 1M; {Fill}",
        $"qemu-img create -f qcow2 -o data_file=a.data,data_file_raw=on a.qcow2 1M; {FillAll}",
        "qemu-img create -f qcow2 a.qcow2 1M; qemu-io -c 'write -c -P 14 384k 64k' -c 'write -P 1 0 64k' -c 'write -c -P 15 448k 64k' a.qcow2",
        "qemu-img convert -f raw -O qcow2 data.raw a.qcow2",
        "qemu-img convert -c -f raw -O qcow2 data.raw a.qcow2",
        "qemu-img convert -c -f raw -O qcow2 -o compression_type=zstd data.raw a.qcow2",
        "qemu-img create -f qcow2 -b data.raw -F raw a.qcow2; qemu-io -c 'write -P 3 64k 100000' -c 'write -z 512k 4k' a.qcow2",
        "qemu-img create -f qcow2 -b data.raw -F raw a.qcow2 2M; qemu-io -c 'write -P 3 900k 400k' -c 'discard 0 64k' a.qcow2",
        "qemu-img convert -f raw -O qcow2 long.raw base.qcow2; qemu-img create -f qcow2 -b base.qcow2 -F qcow2 a.qcow2; qemu-io -c 'write -P 4 0 4k' -c 'write -z -u 512k 64k' a.qcow2",
        "qemu-img convert -f raw -O qcow2 data.raw base.qcow2; qemu-img create -f qcow2 -b base.qcow2 -F qcow2 -o extended_l2=on a.qcow2 1M; qemu-io -c 'write -P 5 2k 2k' -c 'write -P 6 600k 3k' a.qcow2",
        $"qemu-img create -f qcow2 a.qcow2 1M; {Fill}; qemu-img snapshot -c s1 a.qcow2; qemu-io -c 'write -P 7 64k 512k' a.qcow2; qemu-img snapshot -c s2 a.qcow2",
        "{anymade}",
        "{anymade}",
        "{anymade}",
        "{anymade}",
        "{anymade}",
        "{anymade}",
        "{anymade}",
        "{anymade}",
        "{anymade}",
        $"qemu-img create -f qcow2 a.qcow2 1M; qemu-img bitmap --add a.qcow2 b1; {Fill}; qemu-img bitmap --add -g 32k --disable a.qcow2 b2; qemu-io -c 'write -P 8 256k 64k' a.qcow2",
    ];

    /// <summary>The same with damage: counts that are gone, that are too high, and an image that was not closed.</summary>
    public static IReadOnlyList<string> Damaged { get; } =
    [
        $"qemu-img create -f qcow2 a.qcow2 1M; {Fill}; qemu-io -f raw -c 'write -P 0 131082 6' a.qcow2",
        $"qemu-img create -f qcow2 a.qcow2 1M; {Fill}; qemu-io -f raw -c 'write -P 1 131102 1' -c 'write -P 1 131120 4' a.qcow2",
        $"qemu-img create -f qcow2 -o compat=0.10,cluster_size=4k a.qcow2 1M; {Fill}; qemu-io -f raw -c 'write -P 0 8200 2' -c 'write -P 0 8300 2' a.qcow2",
        $"qemu-img create -f qcow2 a.qcow2 1M; {Fill}; qemu-io -f raw -c 'write -P 0 262144 8' a.qcow2",
        $"qemu-img create -f qcow2 a.qcow2 1M; {Fill}; qemu-io -f raw -c 'write -P 0 262144 1' a.qcow2",
        $"qemu-img create -f qcow2 a.qcow2 1M; {Fill}; qemu-io -f raw -c 'write -P 1 262150 1' a.qcow2",
        $"qemu-img create -f qcow2 a.qcow2 1M; {Fill}; qemu-io -f raw -c 'write -P 0x80 196608 1' -c 'write -P 5 196613 1' a.qcow2",
        $"qemu-img create -f qcow2 -o lazy_refcounts=on a.qcow2 1M; {Fill}; qemu-io -f raw -c 'write -P 1 79 1' a.qcow2",
    ];

    /// <summary>What happens to it between that and the line that is tried.</summary>
    public static IReadOnlyList<string> Steps { get; } =
    [
        "{script}",
        "{script}",
        "{script}",
        "{script}",
        "{script}",
        "{script}",
        "{script}",
        "{script}",
        "{step}",
        "{step}",
        "{step}",
        "{step}",
        "{step}",
        "{step}",
        "qemu-io -c 'write -P 11 32k 96k' a.qcow2",
        "qemu-io -c 'write -P 12 1000 3000' -c 'write -P 13 700k 1000' a.qcow2",
        "qemu-io -c 'write -z 0 256k' a.qcow2",
        "qemu-io -c 'write -z -u 64k 128k' -c 'discard 512k 64k' a.qcow2",
        "qemu-io -c 'discard 0 1M' a.qcow2",
        "qemu-io -c 'aio_write -P 15 0 64k' -c aio_flush -c 'aio_write -P 16 192k 64k' -c aio_flush a.qcow2",
        "qemu-io -c 'truncate 1536k' -c 'write -P 17 1400k 64k' a.qcow2",
        "qemu-img snapshot -c s1 a.qcow2",
        "qemu-img snapshot -c s3 a.qcow2; qemu-io -c 'write -P 18 0 200k' a.qcow2",
        "qemu-img snapshot -a s1 a.qcow2",
        "qemu-img snapshot -d s1 a.qcow2",
        "qemu-img snapshot -a 2 a.qcow2",
        "qemu-img bitmap --add a.qcow2 b1",
        "qemu-img bitmap --add -g 4k a.qcow2 b2; qemu-io -c 'write -P 19 100k 4k' a.qcow2",
        "qemu-img bitmap --disable a.qcow2 b1",
        "qemu-img bitmap --merge b1 a.qcow2 b2",
        "qemu-img bitmap --clear a.qcow2 b2",
        "qemu-img amend -o compat=0.10 a.qcow2",
        "qemu-img amend -o compat=1.1 a.qcow2",
        "qemu-img amend -o lazy_refcounts=on a.qcow2",
        "qemu-img check -r leaks a.qcow2",
        "qemu-img check -r all a.qcow2",
        "qemu-img resize a.qcow2 +512k",
        "qemu-img resize --shrink a.qcow2 600k",
        "qemu-img rebase -b '' a.qcow2",
        "qemu-img rebase -f qcow2 -b zero.raw -F raw a.qcow2",
        "qemu-img rebase -u -b long.raw -F raw a.qcow2",
        "qemu-img commit a.qcow2",
        "qemu-img commit -d a.qcow2",
    ];

    /// <summary>How it is looked at.</summary>
    public static IReadOnlyList<string> Looks { get; } =
    [
        "qemu-img info a.qcow2", "qemu-img info --output=json a.qcow2", "qemu-img info --backing-chain a.qcow2", "qemu-img check a.qcow2", "qemu-img check --output=json a.qcow2", "qemu-img map a.qcow2",
        "qemu-img map --output=json a.qcow2", "qemu-img snapshot -l a.qcow2", "qemu-img compare -f raw -F qcow2 data.raw a.qcow2", "qemu-img measure -O qcow2 a.qcow2", "qemu-io -c map a.qcow2",
        "qemu-img measure --output=json -O qcow2 -f qcow2 a.qcow2", "qemu-io -c 'read -v 65500 64' a.qcow2", "qemu-img info --output=json --backing-chain a.qcow2", "qemu-img map --output=json --start-offset={at} --max-length={len} a.qcow2", "{lookcopy}", "{lookcopy}",
        "qemu-img measure -O raw a.qcow2", "qemu-io -c map -c 'alloc {at} {len}' -c length a.qcow2", "qemu-img compare -s a.qcow2 data.raw", "qemu-io {look} {look} a.qcow2",
    ];

    /// <summary>What closes each case: the bytes that a guest would read.</summary>
    public static string Last { get; } = "qemu-img convert -f qcow2 -O raw a.qcow2 last.raw";

    /// <summary>Ways to name it, each with what it takes to open it.</summary>
    public static IReadOnlyList<string> Names { get; } =
    [
        "a.qcow2", "a.qcow2", "-f qcow2 a.qcow2", "file:a.qcow2", "--image-opts driver=qcow2,file.filename=a.qcow2", "--image-opts driver=qcow2,file.driver=file,file.filename=a.qcow2,cache-size=2M",
        """'json:{"driver":"qcow2","file":{"driver":"file","filename":"a.qcow2"}}'""", "--image-opts driver=qcow2,lazy-refcounts=on,file.filename=a.qcow2",
        "--image-opts driver=qcow2,overlap-check=all,file.driver=blkdebug,file.image.filename=a.qcow2", "--image-opts driver=qcow2,discard=unmap,file.filename=a.qcow2",
    ];

    /// <summary>The same with something wrong.</summary>
    public static IReadOnlyList<string> WrongNames { get; } =
    [
        "missing.qcow2", "-f qcow2 missing.qcow2", "-f qcow2 data.raw", "-f qcow2 empty.raw", "-f luks a.qcow2", "-f qcow2 folder", "--image-opts driver=qcow2", "--image-opts driver=qcow2,foo=1,file.filename=a.qcow2",
        "--image-opts driver=qcow2,file.filename=a.qcow2,cache-size=x", "--image-opts driver=qcow2,file.filename=a.qcow2,overlap-check.main-header=x", "--image-opts driver=qcow2,file=nonode",
        "--image-opts driver=qcow2,file.filename=a.qcow2,backing.driver=foo", "--image-opts driver=qcow2,file.filename=a.qcow2,refcount-cache-size=16M,cache-size=1M", "-f qcow2 'json:{'",
        "--image-opts driver=qcow2,file.driver=raw,file.offset=512,file.file.filename=a.qcow2", "--image-opts driver=qcow2,file.filename=a.qcow2,lazy-refcounts=x", "a.qcow2 surplus",
        "--image-opts driver=qcow2,file.filename=a.qcow2,encrypt.format=luks", "--image-opts driver=qcow2,file.filename=a.qcow2,l2-cache-entry-size=3k", "",
    ];

    /// <summary>Options that are wrong for each verb.</summary>
    public static IReadOnlyList<string> WrongOptions { get; } = ["-f", "-f foo", "--object foo,id=x", "--imag", "--object secret,id=s", "-f raw -f qcow2"];
}
