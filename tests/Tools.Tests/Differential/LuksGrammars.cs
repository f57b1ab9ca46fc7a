namespace BlockGraph.Tools.Tests.Differential;

/// <summary>
/// What command lines of qemu-img's verbs and of qemu-io on encrypted images are made of. The images are made beforehand, once, by this program: whenever qemu-img gives an
/// image a key, it measures for two seconds how much work that is, and fails where the machine is busy.
/// </summary>
internal static class LuksGrammars
{
    private const string Secret = "--object secret,id=s,data=blue";
    private const string WrongSecret = "--object secret,id=s,data=green";
    private const string NewSecret = "--object secret,id=n,data=red";
    private const string Image = "driver=luks,key-secret=s,file.filename=a.luks";
    private const string InQcow2 = "driver=qcow2,encrypt.format=luks,encrypt.key-secret=s,file.filename=a.qcow2";

    private static readonly string[] s_names =
    [
        $"{Secret} --image-opts {Image}", $"{Secret} --image-opts {Image}", $"{Secret} --image-opts {InQcow2}", $"{Secret} 'json:{{\"driver\":\"luks\",\"key-secret\":\"s\",\"file\":{{\"driver\":\"file\",\"filename\":\"a.luks\"}}}}'",
        $"{Secret} --image-opts driver=raw,offset=4k,size=64k,file.driver=luks,file.key-secret=s,file.file.filename=a.luks",
    ];

    private static readonly string[] s_wrongNames =
    [
        "a.luks", "-f luks a.luks", "a.qcow2", $"{WrongSecret} --image-opts {Image}", $"{WrongSecret} --image-opts {InQcow2}", $"--image-opts {Image}", $"{Secret} --image-opts driver=luks,key-secret=x,file.filename=a.luks",
        $"{Secret} --image-opts driver=luks,file.filename=a.luks", $"{Secret} --image-opts driver=luks,key-secret=s,file.filename=data.raw", $"{Secret} --image-opts driver=luks,key-secret=s,file.filename=missing.luks",
        $"{Secret} --image-opts {Image},foo=1", $"{Secret} --image-opts driver=qcow2,encrypt.key-secret=s,encrypt.format=aes,file.filename=a.qcow2", "--object secret,id=s --image-opts driver=null-co", $"{Secret} -f luks a.luks",
        "--object secret,id=s,data=blue,file=x --image-opts driver=null-co", "--object secret,id=s,format=foo,data=x --image-opts driver=null-co", "--object secret,id=s,file=missing --image-opts driver=null-co",
        $"{Secret} --image-opts driver=luks,key-secret=s,header.filename=a.luks,file.filename=data.raw", $"{Secret} --image-opts driver=qcow2,encrypt.format=luks,file.filename=a.qcow2", $"{Secret} --image-opts driver=luks,key-secret=s",
    ];

    // bench of theirs takes no object, and so opens none.
    private static readonly string[] s_imagesWithoutKey = ["a.luks", "-f luks a.luks", "a.qcow2", "-f qcow2 a.qcow2", $"--image-opts {Image}", $"--image-opts {InQcow2}", "-f luks missing.luks"];

    private static readonly string[] s_steps =
    [
        $"qemu-io {Secret} --image-opts {{plain}} {{plain}} {{zeroes}} {Image}", $"qemu-io {Secret} --image-opts {{plain}} {{plain}} {{zeroes}} {InQcow2}",
        $"qemu-img resize {Secret} --image-opts --shrink {Image} {{size}}", $"qemu-img snapshot {Secret} --image-opts -a s1 {InQcow2}", $"qemu-img amend {Secret} --image-opts -o size={{size}} {InQcow2}",
        $"qemu-io {Secret} --image-opts -c 'write -P 11 32k 96k' -c 'write -z 200k 64k' {Image}", $"qemu-io {Secret} --image-opts -c 'write -P 12 1000 3000' {InQcow2}", $"qemu-img resize {Secret} --image-opts {Image} +512k",
        $"qemu-img snapshot {Secret} --image-opts -c s1 {InQcow2}", $"qemu-img bitmap {Secret} --image-opts --add {InQcow2} b1", $"qemu-img check {Secret} --image-opts -r all {InQcow2}", $"qemu-img resize {Secret} --image-opts --shrink {InQcow2} 300k",
    ];

    private static readonly string[] s_looks =
    [
        "qemu-img info a.luks", "qemu-img info --output=json a.luks", $"qemu-img info {Secret} --image-opts {InQcow2}", $"qemu-img check {Secret} --image-opts {InQcow2}", $"qemu-img map {Secret} --image-opts {Image}",
        $"qemu-img map --output=json {Secret} --image-opts {InQcow2}", $"qemu-img compare {Secret} --image-opts {Image} {InQcow2}", $"qemu-img convert {Secret} --image-opts {InQcow2} -O raw other.raw", "qemu-img info --output=json a.qcow2",
    ];

    private static readonly VerbGrammar[] s_all =
    [
        On(new("amend")
        {
            Options = ["-q", "--force", "-o state=active", "-o encrypt.state=active"],
            WrongOptions =
            [
                "-o state=foo", "-o state=active", "-o state=inactive,keyslot=9", "-o state=inactive,keyslot=0", "-o state=inactive,old-secret=s", "-o new-secret=n", "-o cipher-alg=aes-128", "-o size=2M", "-o keyslot=x",
                $"{NewSecret} -o state=active,new-secret=n,keyslot=8", "-o encrypt.state=inactive,encrypt.keyslot=0", "-o help",
            ],
        }),
        On(new("bench") { Always = "-c 20", Options = ["-d 4", "-s 512", "-q"], WrongOptions = ["-s 0"], Operands = s_imagesWithoutKey, WrongOperands = s_imagesWithoutKey }),
        On(new("bitmap") { Options = ["--add", "--add -g 32k", "--remove", "--clear"], WrongOptions = ["--merge b2"], Operands = [.. s_names.Select(name => $"{name} b1")], WrongOperands = [.. s_wrongNames.Select(name => $"{name} b1")] }),
        On(new("check") { Options = ["-q", "--output=json", "-r all", "-r leaks", "-U"], WrongOptions = ["-r foo"] }),
        On(new("commit") { Options = ["-q", "-d"], WrongOptions = ["-b data.raw"] }),
        On(new("compare")
        {
            Options = ["-q", "-p", "-s", "-U"],
            WrongOptions = ["-f foo", "-f luks"],
            Operands = [$"{Secret} --image-opts {Image} driver=raw,file.filename=data.raw", $"{Secret} --image-opts {Image} {InQcow2}", $"{Secret} --image-opts {InQcow2} driver=raw,file.filename=data.raw", $"{Secret} --image-opts driver=raw,file.filename=long.raw {Image}"],
            WrongOperands = [$"{WrongSecret} --image-opts {Image} {InQcow2}", $"{Secret} --image-opts {Image}", "a.luks a.qcow2", "-F luks data.raw a.luks"],
        }),
        On(new("convert")
        {
            Options = ["-O qcow2 {copy}", "-O qcow2 {copy}", "-O raw", "-O qcow2", "-O qcow2 -c", "-S 0", "-m 1 -W", "-O qcow2 -o compat=0.10", "-n"],
            WrongOptions = ["-O luks", "-O luks -o key-secret=x", "-O luks -o cipher-alg=foo,key-secret=s", "-O qcow2 -o encrypt.format=luks", "-O qcow2 -o encrypt.format=luks,encrypt.key-secret=x", "-c -O luks -o key-secret=s", "-O luks -o foo=1"],
            Operands = [.. s_names.Select(name => $"{name} b.img"), $"{Secret} --image-opts --target-image-opts -n driver=raw,file.filename=data.raw {Image}", $"{Secret} --image-opts --target-image-opts -n driver=raw,file.filename=data.raw {InQcow2}"],
            WrongOperands = [.. s_wrongNames.Select(name => $"{name} b.img")],
        }),
        On(new("create")
        {
            HasOperandsLast = true,
            WrongOptions =
            [
                "-f luks", "-f luks -o key-secret=x", "-f luks -o key-secret=s,cipher-alg=foo", "-f luks -o key-secret=s,iter-time=0", "-f luks -o key-secret=s,cipher-mode=ctr,hash-alg=foo", "-f luks -o key-secret=s,foo=1", "-f luks -o help",
                "-f qcow2 -o encrypt.format=luks", "-f qcow2 -o encrypt.format=luks,encrypt.key-secret=x", "-f qcow2 -o encrypt.format=luks,encrypt.cipher-alg=foo,encrypt.key-secret=s", "-f luks -b data.raw -F raw -o key-secret=s", "-f luks -o key-secret=s,iter-time=x",
                "-f luks -o key-secret=s,ivgen-alg=essiv", "-f luks -o key-secret=s,preallocation=metadata", "-f qcow2 -o encrypt.key-secret=s", "-f qcow2 -o compat=0.10,encrypt.format=luks",
            ],
            Operands = [$"{Secret} -f luks -o foo=1 b.img 1M", $"{Secret} -f luks -o key-secret=x b.img 1M", $"{Secret} -f luks b.img 1M"],
            WrongOperands = [$"{Secret} -f luks b.img", $"{Secret} -f luks -o key-secret=s b.img x", "-f luks -o key-secret=s b.img 1M", $"{Secret} -f luks -o key-secret=s folder 1M"],
        }),
        On(new("dd")
        {
            Options = ["{dd}", "-O qcow2 {dd}", "-O raw", "-O qcow2", "bs=4k", "skip=1", "bs=64k count=3"],
            WrongOptions = ["{wrongdd}", "-O luks", "bs=0"],
            Operands = [$"{Secret} --image-opts if={Image} of=b.img", $"{Secret} --image-opts if={InQcow2} of=b.img"],
            WrongOperands = ["if=a.luks of=b.img", $"{WrongSecret} --image-opts if={Image} of=b.img", $"{Secret} --image-opts if={Image}"],
        }),
        On(new("info") { Options = ["--output=json", "--backing-chain", "-U"], WrongOptions = ["--output=foo"], Operands = [.. s_names, "a.luks", "a.qcow2", "-f raw a.luks"] }),
        On(new("map") { Options = ["--start-offset={at} --max-length={len}", "--output=json --start-offset={at}", "--output=json", "-U", "--start-offset=64k", "--max-length=128k"], WrongOptions = ["--start-offset=x"] }),
        On(new("measure")
        {
            Options = ["-O qcow2 -o {made}", "-O luks", "-O qcow2", "-O raw", "--output=json", "-O qcow2 -o encrypt.format=luks,encrypt.key-secret=s", $"{Secret} -O luks -o key-secret=s", "-O luks -o key-secret=s"],
            WrongOptions = ["-O luks -o foo=1", "-O qcow2 -o encrypt.format=foo", "-O luks -o key-secret=x", "-O qcow2 -o encrypt.format=luks"],
            HasOwnRefusal = true,
            Operands = [.. s_names, "--size=1M", "--size=1G", "--size=0"],
        }),
        On(new("rebase") { Options = ["-b ''", "-u -b ''"], WrongOptions = ["-b missing -F raw"], Fixed = [$"qemu-img rebase -b data.raw -F raw {Secret} --image-opts {InQcow2}"] }),
        On(new("resize")
        {
            HasOperandsLast = true,
            Options = ["-q", "--shrink", "--preallocation=off", "--preallocation=full", "--preallocation=falloc"],
            WrongOptions = ["--preallocation=metadata", "--preallocation=foo"],
            Operands = [ $"{Secret} --image-opts {Image} {{size}}", $"{Secret} --image-opts --shrink {InQcow2} {{size}}", $"{Secret} --image-opts {InQcow2} {{size}}",$"{Secret} --image-opts {Image} 2M", $"{Secret} --image-opts {Image} +64k", $"{Secret} --image-opts --shrink {Image} 300k", $"{Secret} --image-opts {InQcow2} 2M", $"{Secret} --image-opts --shrink {InQcow2} 100k"],
            WrongOperands = [ $"{Secret} --image-opts {Image} {{wrongsize}}", $"{Secret} --image-opts {InQcow2} {{wrongsize}}",$"{Secret} --image-opts {Image} 1k", $"{Secret} --image-opts {Image} 8E", "a.luks 2M", "a.qcow2 2M", $"{WrongSecret} --image-opts {Image} 2M", $"{Secret} --image-opts {Image} x"],
        }),
        On(new("snapshot") { Options = ["-l", "-c s1", "-a s1", "-d s1"], WrongOptions = ["-c", "-a nothing"] }),
        On(new("qemu-io")
        {
            Options = ["{plain}", "{plain} {plain}", "{change} {zeroes} {look}", "-c 'read -P 1 0 64k'", "-c 'write -P 3 1000 3000'", "-c 'write -z 64k 64k'", "-c 'discard 0 64k'", "-c length", "-c map", "-c 'truncate 2M'", "-c 'alloc 0 1M'", "-r", "-c 'read -v 100 32'", "-c 'writev -P 5 512 512 1024'", "-c flush", "-c 'truncate -m full 1200k'", "-c 'write -f -P 9 0 512'"],
            WrongOptions = ["{wrongio}", "{wrongio} {change}", "-c 'write -c 0 64k'", "-c 'write 8M 4k'", "-c 'truncate -1'", "-c 'reopen -o foo=1'"],
            Operands = [.. s_names.Select(name => $"-c 'read 0 64k' {name}")],
            WrongOperands = [.. s_wrongNames.Select(name => $"-c 'read 0 64k' {name}")],
        }),
    ];

    /// <summary>The lines, for this program, that make the images which each case finds in its folder.</summary>
    public static IReadOnlyList<string> Images { get; } =
    [
        $"qemu-img create -q -f luks {Secret} -o key-secret=s,iter-time=10 a.luks 1M", $"qemu-img create -q -f qcow2 {Secret} -o encrypt.format=luks,encrypt.key-secret=s,encrypt.iter-time=10 a.qcow2 1M",
        $"qemu-io {Secret} --image-opts -c 'write -q -P 0x11 0 64k' -c 'write -q -z 64k 960k' -c 'write -q -P 0x22 512k 4k' {Image}", $"qemu-io {Secret} --image-opts -c 'write -q -P 0x11 0 64k' -c 'write -q -P 0x22 512k 4k' {InQcow2}",
    ];

    /// <summary>The grammar of <paramref name="verb"/>, which every verb of the program must have.</summary>
    public static VerbGrammar Of(string verb) => s_all.FirstOrDefault(grammar => grammar.Verb == verb) ?? throw new InvalidOperationException($"The command lines of '{verb}' on luks have no grammar.");

    private static VerbGrammar On(VerbGrammar grammar) => grammar with
    {
        Format = "luks",
        Steps = s_steps,
        Looks = s_looks,
        Last = $"qemu-img convert {Secret} --image-opts {Image} -O raw last.raw",
        Operands = grammar.Operands.Count > 0 ? grammar.Operands : s_names,
        WrongOperands = grammar.WrongOperands.Count > 0 ? grammar.WrongOperands : s_wrongNames,
    };
}
