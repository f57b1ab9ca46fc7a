namespace BlockGraph.Tools.Tests.Differential;

/// <summary>What command lines of qemu-io are made of.</summary>
internal static class IoGrammar
{
    private static readonly string[] s_commands =
    [
        "read 0 4k", "read -P 0x11 0 64k", "read -v 0 16", "read -C 0 512", "read -q 0 4k", "read -P 0x22 512k 4k", "read -l 512 -s 0 -P 0x11 0 4k", "read -p 0 4k", "r 1000 24", "readv 0 4k 8k", "readv -P 0x11 0 512 512",
        "readv -v 64k 16", "write 0 4k", "write -P 7 4k 8k", "write -z 0 64k", "write -z -u 0 64k", "write -q 1 5", "write -f 0 512", "w -P 0xff 1000 3000", "writev 0 1k 2k", "writev -P 5 100 10 20", "writev -q 0 512",
        "aio_read 0 4k", "aio_write -P 3 0 4k", "aio_flush", "flush", "discard 0 64k", "discard -C 0 4k", "discard -q 4k 4k", "length", "info", "alloc 0", "alloc 0 128k", "map", "truncate 2M", "truncate 512k", "truncate -m off 3M",
        "write -C 0 4k", "read 1023k 1k", "sleep 1", "help read", "close", "reopen", "reopen -r", "break none x", "length;", "write -c 0 64k", "write -n -z 0 4k", "readv -q 0 8k", "quit",
    ];

    private static readonly string[] s_wrongCommands =
    [
        "foo", "read", "read 0", "read x 4k", "read 0 x", "read -1 4k", "read 0 -1", "read 0 3G", "read 1M 4k", "read -P 0x99 0 4k", "read -P 256 0 4k", "read -P x 0 4k", "read -Z 0 4k", "read 0 4k 8k", "read -l 512 0 4k",
        "read -s 512 0 4k", "readv", "readv 0", "readv 0 x", "readv 0 -1", "write", "write 0", "write x 4k", "write 0 x", "write -P 256 0 4k", "write -u 0 4k", "write -n 0 4k", "write -z -P 1 0 4k", "write -s missing 0 4k",
        "write 1M 4k", "write -c 1 512", "write -c 0 3", "writev 0", "writev 0 x", "writev -P x 0 512", "aio_read", "aio_read x 4k", "aio_write 0 x", "aio_write -z -P 1 0 4k", "discard", "discard 0", "discard x 4k", "discard 0 x",
        "discard -1 4k", "discard 0 9E", "discard 2M 4k", "length x", "info x", "flush x", "alloc", "alloc x", "alloc 0 x", "alloc 9E", "map x", "truncate", "truncate x", "truncate -1", "truncate -m foo 2M", "sleep", "sleep x",
        "help foo", "help read write", "close x", "reopen -x", "reopen -o foo=1", "break", "break foo x", "remove_break x", "resume x", "wait_break x", "read '' 4k", "write -q", "read -", "open x y", "write -P",
    ];

    /// <summary>The grammar.</summary>
    public static VerbGrammar All { get; } = new("qemu-io")
    {
        Options = ["-t writeback", "-t none", "-n", "-d unmap", "-r", "-r -U", "-t unsafe", "-d ignore", .. s_commands.Select(Command), .. Enumerable.Repeat("{io}", 20), .. Enumerable.Repeat("{change} {zeroes}", 20)],
        WrongOptions = ["-t foo", "-d foo", "-c", "-f", "-i foo", "-U", "-t", .. s_wrongCommands.Select(Command), .. s_wrongCommands.Select(Command), .. Enumerable.Repeat("{wrongio}", 40)],
        Operands =
        [
            .. s_commands.Select(command => $"{Command(command)} -f raw data.raw"), .. s_commands.Select(command => $"{Command(command)} -f raw zero.raw"),
            .. s_commands.Select(command => $"--image-opts {Command(command)} driver=raw,size=64k,file.filename=data.raw"),
            .. s_commands.Select(command => $"{Command(command)} data.raw"), .. Enumerable.Repeat("{change} {zeroes} {io} -f raw data.raw", 30), .. Enumerable.Repeat("{io} {io} {wrongio} {io} -f raw data.raw", 20),
        ],
        WrongOperands =
        [
            .. s_wrongCommands.Select(command => $"{Command(command)} -f raw data.raw"), "-c length missing.raw", "-c length folder", "-c length data.raw surplus", "-f foo -c length data.raw", "-c length 'json:{'",
            "--image-opts -c length data.raw", "--image-opts -f raw -c length driver=null-co", "-c length ''", "-c length", "--image-opts -c length driver=raw,foo=1,file.filename=data.raw", "-c length loop",
        ],
        After = ["qemu-io -f raw -c 'read -P 0x11 0 64k' data.raw", "qemu-img info -f raw data.raw", "qemu-img map --output=json -f raw data.raw", "qemu-img map -f raw data.raw; qemu-img compare data.raw same.raw"],
    };

    private static string Command(string command) => command.Contains('\'', StringComparison.Ordinal) ? $"-c {command.Replace("'", "", StringComparison.Ordinal)}" : $"-c '{command}'";
}
