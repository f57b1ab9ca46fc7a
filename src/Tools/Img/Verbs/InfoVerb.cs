using BlockGraph.BlockCore.Options;
using BlockGraph.Qapi.Options;
using BlockGraph.Tools.Dispatch;

namespace BlockGraph.Tools.Img.Verbs;

/// <summary><c>img info</c>: what an image is.</summary>
internal sealed class InfoVerb : ImgVerb
{
    private readonly SourceArguments _source = new();
    private bool _showsChain;

    /// <inheritdoc/>
    public override string Name => "info";

    /// <inheritdoc/>
    public override string Summary => "Show what an image is: format, sizes, backing file, snapshots.";

    /// <inheritdoc/>
    public override IReadOnlyList<string> Examples { get; } = ["info disk.img", "info --output=json --backing-chain overlay.img"];

    /// <inheritdoc/>
    public override IReadOnlyList<ImgOption> Options { get; } =
    [
        ImgOption.Object,
        ImgOption.ImageOpts,
        ImgOption.Format,
        ImgOption.Output,
        new('\0', "backing-chain", "show its backing files, too, one below the other"),
        ImgOption.ForceShare,
    ];

    /// <inheritdoc/>
    public override void Check(IReadOnlyList<string> operands) => CheckOneFile(operands);

    /// <inheritdoc/>
    public override async Task<int> RunAsync(ImgCall call)
    {
        _source.Check();
        ImageChain chain = new(call, _source) { IsForInformation = true };
        List<ImageDescription> described = [];
        await chain.VisitAsync(call.Operands[0], _showsChain, async backend => described.Add(await ImageDescription.OfAsync(backend)));
        await using BatchedOutput output = new(call.Out);
        if (_source.IsJson)
        {
            OptionValue all = _showsChain ? ImageDescription.ListOf(described.Select(image => image.ToJson())) : described[0].ToJson();
            output.WriteLine(JsonText.Print(all, isPretty: true));
            return 0;
        }

        for (int i = 0; i < described.Count; i++)
        {
            if (i > 0)
            {
                output.WriteLine();
            }

            described[i].Print(output);
        }

        return 0;
    }

    /// <inheritdoc/>
    protected override void TakeOption(string option, string? value)
    {
        switch (option)
        {
            case "backing-chain":
                _showsChain = true;
                break;
            default:
                _source.Take(option, value);
                break;
        }
    }
}
