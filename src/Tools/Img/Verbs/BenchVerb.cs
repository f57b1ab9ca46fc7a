namespace BlockGraph.Tools.Img.Verbs;

/// <summary><c>img bench</c>: drives a simple load through an image.</summary>
internal sealed class BenchVerb : ImgVerb
{
    private readonly ImgBenchArguments _arguments = new();

    /// <inheritdoc/>
    public override string Name => "bench";

    /// <inheritdoc/>
    public override string Summary => "Drive a simple load through an image, each request a step behind the other, and say how long it took.";

    /// <inheritdoc/>
    public override IReadOnlyList<string> Examples { get; } = ["bench -f raw -c 100000 -d 16 disk.img", "bench -w --pattern=7 -t none disk.img"];

    /// <inheritdoc/>
    public override IReadOnlyList<ImgOption> Options { get; } =
    [
        new('c', "count", "how many requests (default: 75000)", "N") { IsLetterOnly = true },
        new('d', "depth", "requests under way at once (default: 64)", "N") { IsLetterOnly = true },
        ImgOption.Format with { IsLetterOnly = true },
        new('\0', "flush-interval", "flush whenever the number of requests still to come is a multiple of N; with -w", "N"),
        new('i', "aio", "how files of the host are read and written: threads, native or io_uring", "AIO") { IsLetterOnly = true },
        ImgOption.ImageOpts,
        new('n', "native", "short for -i native") { IsLetterOnly = true },
        new('\0', "no-drain", "flushes go beside the requests"),
        ImgOption.Object with { IsOwnOnly = true },
        new('o', "offset", "where the first request lies (default: 0)", "BYTES") { IsLetterOnly = true },
        new('\0', "pattern", "what is written (default: 0)", "BYTE"),
        new('q', "quiet", "taken, and without effect, as qemu-img does") { IsLetterOnly = true },
        new('s', "buffer-size", "length of every request (default: 4k)", "BYTES") { IsLetterOnly = true },
        new('S', "step-size", "how far a request lies behind the one before (default, and for 0: its length)", "BYTES") { IsLetterOnly = true },
        ImgOption.Cache,
        new('w', "write", "write instead of read") { IsLetterOnly = true },
        ImgOption.ForceShare with { Help = "share every permission with other users of the file; not with -w" },
        ImgOption.VirtualTime,
    ];

    /// <inheritdoc/>
    public override void Check(IReadOnlyList<string> operands)
    {
        CheckOneFile(operands);
        _arguments.Check();
    }

    /// <inheritdoc/>
    public override Task<int> RunAsync(ImgCall call) =>
        ImgInterrupt.RunAsync(call.Console, call.Name.Program, cancel => new ImgBenchRunner(call, _arguments.ImageOf(call.Operands[0]), _arguments.Load).RunAsync(cancel));

    /// <inheritdoc/>
    protected override void TakeOption(string option, string? value) => _arguments.Take(option, value);
}
