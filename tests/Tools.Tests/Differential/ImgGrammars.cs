namespace BlockGraph.Tools.Tests.Differential;

/// <summary>What command lines of qemu-img's verbs are made of.</summary>
internal static class ImgGrammars
{
    private const string DataJson = """json:{"driver":"raw","file":{"driver":"file","filename":"data.raw"}}""";

    private const string NullJson = """json:{"driver":"null-co","size":65536,"read-zeroes":true}""";

    // Ways to name an image, each with what it takes to open it.
    private static readonly string[] s_images =
    [
        "-f raw data.raw", "data.raw", "-f raw zero.raw", "empty.raw", "-f raw empty.raw", "file:data.raw", "-f raw long.raw", "-f raw folder/../data.raw",
        "--image-opts driver=raw,file.filename=data.raw", "--image-opts driver=null-co,size=1M,read-zeroes=on", "--image-opts driver=raw,offset=64k,size=128k,file.filename=data.raw",
        "--image-opts driver=blkdebug,image.filename=zero.raw", "--image-opts driver=raw,file.driver=file,file.filename=data.raw,file.locking=off", "null-co://",
        $"'{DataJson}'", $"'{NullJson}'", """'json:{"driver":"raw","size":4096,"file":{"driver":"file","filename":"data.raw"}}'""",
        "-f file data.raw", "-f raw -f raw data.raw", "--object throttle-group,id=g,limits.iops-total=100000 --image-opts driver=throttle,throttle-group=g,file.filename=zero.raw",
    ];

    private static readonly string[] s_wrongImages =
    [
        "missing.raw", "-f raw missing.raw", "folder", "-f raw folder", "data.raw/x", "-f raw data.raw/x", "dangling", "loop", "nodir/x.raw", "foo:bar", "-f foo data.raw", "-f '' data.raw",
        "''", "-f null-co data.raw", "'json:{'", "'json:{}'", "'json:[]'", "json:", "json:x", """'json:{"driver":"raw"}'""", """'json:{"driver":"raw","file":"nonode"}'""",
        """'json:{"driver":"raw","foo":1,"file":{"driver":"file","filename":"data.raw"}}'""", """'json:{"driver":"file","filename":"data.raw"'""", """'json:{"driver":"foo"}'""",
        """'json:{"driver":"raw","size":"x","file":{"driver":"file","filename":"data.raw"}}'""",
        "--image-opts data.raw", "--image-opts driver=foo", "--image-opts driver=raw", "--image-opts driver=raw,file.filename=missing.raw", "--image-opts driver=raw,file.filename=data.raw,foo=1",
        "--image-opts driver=raw,size=1x,file.filename=data.raw", "--image-opts driver=raw,offset=2M,file.filename=data.raw", "--image-opts driver=raw,size=8M,file.filename=data.raw",
        "--image-opts -f raw driver=raw,file.filename=data.raw", "--image-opts driver=file", "--image-opts ''", "--image-opts driver=raw,file=nonode",
        "--object foo,id=x data.raw", "--object throttle-group data.raw", "--object throttle-group,id=1x data.raw",
        "--image-opts driver=throttle,throttle-group=g,file.filename=zero.raw", "data.raw surplus", "",
    ];

    private static readonly string[] s_wrongCommon = ["-f", "--object", "--image-opts=on", "--imag", "-f raw -f foo", "--format", "--force", "-U -U"];

    private static readonly VerbGrammar[] s_all =
    [
        new("amend")
        {
            Options = ["-o foo=1", "-q", "-p", "-t none", "-t writethrough", "--force", "-o compat=1.1", "-o size=1M", "-o ''"],
            WrongOptions = ["-o", "-t foo", "-o help", "-o foo", "-o =", "-o ,", .. s_wrongCommon],
            Operands = s_images,
            WrongOperands = s_wrongImages,
            Fixed = ["qemu-img amend -o help -f raw", "qemu-img amend -o help -f foo", "qemu-img amend -o help", "qemu-img amend -f raw data.raw"],
        },
        new("bench")
        {
            Always = "-c 20",
            Options = ["-d 4", "-d 1", "-w", "-s 512", "-s 1k", "-o 64k", "-S 8k", "-n", "-t writeback", "-i threads", "-U", "-q", "-w --pattern=7", "-w --flush-interval=5 -d 4", "--no-drain"],
            WrongOptions = ["-c {wrongsize}", "-d {wrongsize}", "-s {wrongsize}", "-o {wrongsize}", "-S {wrongsize}", "--pattern={wrongsize}", "--flush-interval={wrongsize}", "-d 0", "--flush-interval=2 -d 4", "--flush-interval=2 -w", "-c x", "-c -1", "-d 0x", "-s 0", "-s 1.5", "-s 2G", "-o -1", "-o 1Q", "-t foo", "-i foo", "--pattern=256", "--pattern", "--flush-interval=x", "-U -w", "-S", .. s_wrongCommon],
            Operands = [.. s_images.Where(image => !image.Contains("--object") && !image.Contains("empty"))],
            WrongOperands = s_wrongImages,
            Fixed = ["qemu-img bench -c 20 --object throttle-group,id=g --image-opts driver=throttle,throttle-group=g,file.filename=zero.raw", "qemu-img bench -c 20 -f raw empty.raw"],
        },
        new("bitmap")
        {
            Options = ["-g 64k", "--add", "--remove", "--clear", "--enable", "--disable", "--merge b2"],
            WrongOptions = ["--merge", "-g x", "-g 1", "--add --add", "-b data.raw", "-b data.raw -F raw --merge b2", "-F raw", "--foo", .. s_wrongCommon],
            Operands = [.. s_images.Select(image => $"{image} b1")],
            WrongOperands = [.. s_wrongImages.Select(image => $"{image} b1"), "data.raw", "data.raw b1 b2", "data.raw ''"],
        },
        new("check")
        {
            Options = ["-q", "--output=json", "--output=human", "-r all", "-r leaks", "-T none", "-T writeback", "-U"],
            WrongOptions = ["-r", "-r foo", "-T foo", "--output=foo", "--output", "--output=", "-r ''", .. s_wrongCommon],
            Operands = s_images,
            WrongOperands = s_wrongImages,
        },
        new("commit")
        {
            Options = ["-q", "-p", "-t none", "-t writethrough", "-d", "-r 1M", "-b data.raw"],
            WrongOptions = ["-r {wrongrate}", "-t foo", "-r x", "-r -1", "-b", "-r", "-b missing.raw", "-b ''", .. s_wrongCommon],
            Operands = s_images,
            WrongOperands = s_wrongImages,
        },
        new("compare")
        {
            Options = ["-q", "-p", "-s", "-f raw", "-F raw", "-T none", "-T writeback", "-U"],
            WrongOptions = ["-f foo", "-F foo", "-T foo", "-F", "-T", .. s_wrongCommon],
            Operands =
            [
                "data.raw same.raw", "data.raw other.raw", "data.raw long.raw", "long.raw data.raw", "zero.raw empty.raw", "empty.raw zero.raw", "data.raw zero.raw", "data.raw data.raw",
                "empty.raw empty.raw", $"zero.raw '{NullJson}'", $"'{NullJson}' '{NullJson}'", $"data.raw '{DataJson}'", "other.raw long.raw",
                "--image-opts driver=raw,file.filename=data.raw driver=raw,file.filename=same.raw", "--image-opts driver=null-co,size=1M,read-zeroes=on driver=raw,file.filename=zero.raw",
                "--image-opts driver=raw,size=64k,file.filename=data.raw driver=raw,size=64k,file.filename=other.raw",
            ],
            WrongOperands =
            [
                "data.raw", "", "data.raw same.raw other.raw", "data.raw missing.raw", "missing.raw data.raw", "folder data.raw", "data.raw folder", "'json:{' data.raw", "data.raw json:x",
                "--image-opts data.raw same.raw", "--image-opts driver=raw,file.filename=data.raw same.raw", "'' data.raw", "data.raw ''", "missing.raw nodir/x", "foo:bar data.raw", "data.raw loop",
            ],
        },
        new("convert")
        {
            Options =
            [
                "-f raw", "-O raw", "-q", "-p", "-t none", "-T none", "-t writeback", "-S 4k", "-S 0", "-S 64k", "-m 1", "-m 16", "-W", "-o preallocation=off", "-o preallocation=full", "-o nocow=off",
                "--salvage", "-U", "-r 1G", "-n", "-C", "--target-is-zero", "-m 4 -W",
            ],
            WrongOptions =
            [
                "-S {wrongsize}", "-m {wrongsize}", "-r {wrongrate}", "-o size={wrongsize}", "-W -C", "-C -c", "-l ''", "-t foo", "-o preallocation={prealloc}",
                "-f foo", "-O foo", "-t foo", "-T foo", "-S x", "-S 1", "-S 1000", "-m 0", "-m 17", "-m x", "-r x", "-o foo=1", "-o preallocation=foo", "-o help", "-c", "-B data.raw", "-B missing.raw -F raw",
                "-l snap", "-o size=1M", "-C -S 4k", "--bitmaps", "-n -o preallocation=off", "-F raw", "--salvage -C", "-O", "-o", "-S", "-m", "-l snapshot.id=1", .. s_wrongCommon,
            ],
            Operands =
            [
                "data.raw out.raw", "zero.raw out.raw", "empty.raw out.raw", "long.raw out.raw", "data.raw same.raw out.raw", "data.raw other.raw", "data.raw long.raw", "long.raw data.raw",
                $"'{DataJson}' out.raw", $"'{NullJson}' out.raw", "data.raw empty.raw", "data.raw folder/out.raw", "--image-opts driver=raw,offset=64k,size=128k,file.filename=data.raw out.raw",
                "--image-opts driver=raw,file.filename=data.raw out.raw", "--target-image-opts -n data.raw driver=raw,file.filename=long.raw", "--target-image-opts -n data.raw driver=null-co,size=1M",
                "zero.raw data.raw zero.raw out.raw",
            ],
            WrongOperands =
            [
                "data.raw", "", "missing.raw out.raw", "folder out.raw", "data.raw folder", "data.raw nodir/out.raw", "data.raw data.raw", "'json:{' out.raw", "json:x out.raw", "--image-opts data.raw out.raw",
                "data.raw missing.raw out.raw", "--target-image-opts data.raw driver=raw,file.filename=long.raw", "--target-image-opts -n data.raw driver=foo", "-n data.raw missing.raw", "-n data.raw empty.raw",
                "data.raw ''", "'' out.raw", "data.raw loop", "data.raw foo:bar", "data.raw data.raw/x", "-n long.raw data.raw", "--image-opts -f raw driver=null-co out.raw",
            ],
        },
        new("create")
        {
            Options =
            [
                "-o preallocation={prealloc}", "-o size={size}", "-o size={size},preallocation={prealloc}",
                "-f raw", "-q", "-o size=1M", "-o preallocation=off", "-o preallocation=falloc", "-o preallocation=full", "-o nocow=off", "-o extent_size_hint=0", "-u", "-o preallocation=off,nocow=off",
                "-o extent_size_hint=1M", "-o size=64k -o nocow=off", "--object throttle-group,id=g",
            ],
            WrongOptions =
            [
                "-o size={wrongsize}", "-o extent_size_hint={wrongsize}", "-o nocow={wrongsize}", "-o size=,size=1M", "-o size=1M,,foo", "-o 'size=1M,preallocation'", "-o nopreallocation", "-o nonocow",
                "-f foo", "-f null-co", "-f blkdebug", "-o foo", "-o foo=1", "-o size=x", "-o size=", "-o preallocation=foo", "-o preallocation=metadata", "-o nocow=5", "-o ,", "-o =", "-b data.raw", "-b data.raw -F raw",
                "-b missing.raw -F raw", "-b ''", "-F raw", "-u -b missing.raw -F raw", "-o backing_file=data.raw", "-o help", "-o '?'", "-f", "-o", "--image-opts", "--size=1M", "-o size=-1", "-o size=1M,size=2M",
                "-o extent_size_hint=-1", "-b new.raw", "--object foo,id=x",
            ],
            Operands =
            [
                "new.raw {size}",
                "new.raw 1M", "new.raw 0", "new.raw 64k", "new.raw 1.5M", "new.raw 4096", "new.raw 1b", "new.raw 0x1000", "new.raw 3000000000", "data.raw 512k", "data.raw 2M", "folder/new.raw 1M", "new.raw 1G", "new.raw 1K",
                "file:new.raw 1M", "new.raw 3M", "dangling 1M", "new.raw 1000", "new.raw 010", "./new.raw 1M", "'a new.raw' 1M",
            ],
            WrongOperands =
            [
                "new.raw {wrongsize}", "new.raw {wrongsize}",
                "", "new.raw", "new.raw x", "new.raw 1kk", "new.raw ''", "new.raw -1", "new.raw 1M 2M", "new.raw 8E", "new.raw 7.99999E", "new.raw 99999999999999999999", "new.raw 1.5", "folder 1M", "nodir/new.raw 1M",
                "data.raw/new.raw 1M", "foo:bar 1M", "'' 1M", "json:x 1M", "'json:{' 1M", "loop 1M", "new.raw +1M", "new.raw ' 1M'", "new.raw 1M ''", "null-co:// 1M", $"'{DataJson}' 1M", "new.raw 1e3", "new.raw 8388607T",
            ],
            After = ["qemu-img info new.raw", "qemu-img info --output=json -f raw new.raw"],
        },
        new("dd")
        {
            Options = ["{dd}", "{dd}", "-f raw", "-O raw", "-U", "bs=4k", "bs=512", "bs=64k", "count=3", "count=100", "skip=1", "skip=16", "bs=1000", "count=0", "skip=0", "bs=1M", "bs=3k count=7"],
            WrongOptions = ["{wrongdd}", "{wrongdd}", "-f foo", "-O foo", "bs=0", "bs=x", "bs=-1", "count=x", "count=-1", "skip=x", "skip=99999", "bs=3G", "foo=1", "bs", "bs=", "seek=1", "conv=notrunc", "-f", "--image-opts", "-o foo", "-q", "iflag=x"],
            Operands =
            [
                "if=data.raw of=out.raw", "if=zero.raw of=out.raw", "if=empty.raw of=out.raw", "if=long.raw of=out.raw", "of=out.raw if=data.raw", "if=data.raw of=other.raw", "if=data.raw of=folder/out.raw",
                $"'if={DataJson}' of=out.raw", $"'if={NullJson}' of=out.raw", "--image-opts if=driver=raw,file.filename=data.raw of=out.raw",
            ],
            WrongOperands =
            [
                "", "if=data.raw", "of=out.raw", "if=missing.raw of=out.raw", "if=folder of=out.raw", "if=data.raw of=folder", "if=data.raw of=nodir/out.raw", "data.raw out.raw", "if= of=out.raw", "if=data.raw of=",
                "'if=json:{' of=out.raw", "--image-opts if=data.raw of=out.raw", "if=data.raw of=out.raw surplus", "if=loop of=out.raw",
            ],
        },
        new("info")
        {
            Options = ["--output=json", "--output=human", "--backing-chain", "-U", "--output json", "--backing-chain --output=json", "--out=json"],
            WrongOptions = ["--output=foo", "--output", "--output=", "--backing", "-q", "--output=JSON", "-o json", .. s_wrongCommon],
            Operands = s_images,
            WrongOperands = s_wrongImages,
            Fixed = ["qemu-img info --image-opts driver=null-co,size=-1", """qemu-img info 'json:{"driver":5}'"""],
        },
        new("map")
        {
            Options = ["--output=json --start-offset={at} --max-length={len}", "--start-offset={at}", "--max-length={len}", "--output=json", "--output=human", "-U", "--start-offset=64k", "--max-length=128k", "--start-offset=0", "--max-length=1", "-s 512k", "-l 4k", "--start-offset=700k --max-length=1M"],
            WrongOptions = ["-s {wrongsize}", "-l {wrongsize}", "--max-length={wrongsize} --output=json", "--start-offset={wrongsize}", "--output=foo", "--output", "--start-offset=x", "--start-offset=-1", "--max-length=x", "--max-length=0", "--start-offset=2M", "--start-offset=8E", "-s", "--max-length=-5", .. s_wrongCommon],
            Operands = s_images,
            WrongOperands = s_wrongImages,
        },
        new("measure")
        {
            Options = ["-O raw", "--output=json", "--output=human", "-U", "-o preallocation=off", "-O raw --output=json", "-o nocow=off"],
            WrongOptions = ["--size {wrongsize}", "-o size={wrongsize}", "-O foo", "--output=foo", "-o foo=1", "-o help", "--size 1M", "-l snap", "-O", "-o", "-o preallocation=foo", "-O null-co", "--size", "-o size=1M"],
            HasOwnRefusal = true,
            Fixed = ["qemu-img measure --nope --size 1M"],
            Operands = ["--size 1M", "--size 0", "--size=64k", "--size 1G --output=json", "--size 1.5k", "--size 1000", "--size 7T", .. s_images],
            WrongOperands = ["--size {wrongsize}", "--size x", "--size -1", "--size 8E", "--size 1kk", "--size ''", "--size 1M data.raw", "-f raw --size 1M", "--image-opts --size 1M", .. s_wrongImages],
        },
        new("rebase")
        {
            Options = ["-q", "-p", "-t none", "-T none", "-u", "-b data.raw", "-F raw", "-b ''", "-b data.raw -F raw", "-b data.raw -F raw -u", "-u -b ''"],
            WrongOptions = ["-t foo", "-T foo", "-b missing.raw -F raw", "-b data.raw -F foo", "-b", "-F", "-u -b missing.raw", .. s_wrongCommon],
            Operands = s_images,
            WrongOperands = s_wrongImages,
        },
        new("resize")
        {
            HasOperandsLast = true,
            Options = ["-f raw", "-q", "--shrink", "--preallocation=off", "--preallocation=falloc", "--preallocation=full", "-f raw --shrink", "-f raw -q"],
            WrongOptions = ["--preallocation={prealloc} --shrink", "--preallocation=foo", "--preallocation=metadata", "--preallocation", "-f foo", "-U", "--size=1M", "-o size=1M", "--shrink=on", "--shrink --preallocation=full", "-f raw --image-opts", .. s_wrongCommon],
            Operands =
            [
                "-f raw data.raw {size}", "-f raw --shrink data.raw {size}", "-f raw --shrink data.raw -{size}",
                "data.raw 2M", "data.raw +1M", "data.raw 1M", "data.raw +0", "-f raw data.raw 4M", "-f raw --shrink data.raw 512k", "-f raw --shrink data.raw -512k", "-f raw empty.raw 64k", "empty.raw +4k", "-f raw zero.raw +1000",
                "--image-opts driver=raw,file.filename=data.raw 3M", $"'{DataJson}' 1.5M", "-f raw long.raw 2G", "-f raw data.raw 1048577", "-f raw --shrink data.raw 1", "-f raw zero.raw 7M", "-f raw data.raw 0x200000",
                "--image-opts driver=raw,file.filename=data.raw +64k", "-f raw dangling +1M",
            ],
            WrongOperands =
            [
                "-f raw data.raw {wrongsize}", "-f raw data.raw +{wrongsize}", "-f raw data.raw -{wrongsize}",
                "data.raw", "", "data.raw x", "-f raw data.raw 0", "-f raw data.raw -1M", "-f raw data.raw -2M", "-f raw data.raw 512k", "data.raw 1M 2M", "missing.raw 1M", "folder 1M", "'' 1M", "data.raw ''", "data.raw +", "data.raw -",
                "-f raw data.raw 8E", "-f raw data.raw +8E", "-f raw data.raw 9000000T", "data.raw ++1M", "data.raw 1kk", "'json:{' 1M", "null-co:// 2M", "--image-opts driver=null-co,size=1M 2M", "--image-opts data.raw 2M",
                "--image-opts driver=raw,size=64k,file.filename=data.raw 2M", "loop 1M", "data.raw/x 1M", "foo:bar 1M", "-f raw --shrink data.raw -8E", "-f raw data.raw '1 M'", "-f raw data.raw 1.5",
            ],
            After = ["qemu-img info -f raw data.raw", "qemu-img resize -f raw --shrink data.raw 64k"],
        },
        new("snapshot")
        {
            Options = ["-l", "-c snap", "-a snap", "-d snap", "-q", "-U", "-q -l", "-l -U"],
            WrongOptions = ["-l -c snap", "-c snap -d snap", "-c", "-a", "-d", "-c ''", "-f raw", "--list", "-U -c snap", "-a 1 -a 2", "--create=snap", "-l -l", .. s_wrongCommon],
            Operands = [.. s_images.Where(image => !image.StartsWith("-f", StringComparison.Ordinal))],
            WrongOperands = s_wrongImages,
        },
    ];

    /// <summary>The grammar of <paramref name="verb"/>, which every verb of the program must have.</summary>
    public static VerbGrammar Of(string verb) => s_all.FirstOrDefault(grammar => grammar.Verb == verb) ?? throw new InvalidOperationException($"The command lines of '{verb}' have no grammar.");
}
