using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Graph;
using BlockGraph.Tools.Io;

namespace BlockGraph.Tools.Img.Verbs;

/// <summary><c>img snapshot</c>: the snapshots inside an image.</summary>
internal sealed class SnapshotVerb : ImgVerb
{
    private readonly SourceArguments _source = new();
    private string _action = "list";
    private string? _snapshot;
    private bool _hasAction;

    /// <inheritdoc/>
    public override string Name => "snapshot";

    /// <inheritdoc/>
    public override string Summary => "List, create, apply or delete the snapshots inside an image.";

    /// <inheritdoc/>
    public override IReadOnlyList<ImgOption> Options { get; } =
    [
        ImgOption.Object,
        ImgOption.ImageOpts,
        ImgOption.ForceShare,
        ImgOption.Quiet,
        new('l', "list", "list the snapshots (default)") { IsLetterOnly = true },
        new('a', "apply", "make the image what it was then", "SNAPSHOT") { IsLetterOnly = true },
        new('c', "create", "make a snapshot of the image as it is", "SNAPSHOT") { IsLetterOnly = true },
        new('d', "delete", "delete a snapshot", "SNAPSHOT") { IsLetterOnly = true },
    ];

    /// <inheritdoc/>
    public override void Check(IReadOnlyList<string> operands) => CheckOneFile(operands);

    /// <inheritdoc/>
    public override Task<int> RunAsync(ImgCall call) => ImgInterrupt.RunAsync(call.Console, call.Name.Program, cancel => ActAsync(call, cancel));

    private async Task<int> ActAsync(ImgCall call, CancellationToken cancel)
    {
        IoOpenMode mode = new() { IsReadOnly = _action == "list" && _hasAction };
        await using BlockBackend backend = await _source.ImageOf(call.Operands[0], mode).OpenAsync(call.World, call.Name, call.Warn, cancel);
        IImageSnapshots? snapshots = BackingChain.SkipFilters(backend.Root!).Instance.Snapshots;
        switch (_action)
        {
            case "list":
                // Theirs lists only what it is asked to.
                if (call.Name.FollowsTexts ? _hasAction : !_source.IsQuiet)
                {
                    SnapshotTable.Print(call.Out, snapshots?.All ?? []);
                }

                return 0;
            case "create":
                return await CreateAsync(call, backend, snapshots, cancel);
            case "apply" when snapshots is null:
                return call.Fail(call.Name.FollowsTexts ? $"Could not apply snapshot '{_snapshot}': Block driver does not support snapshots" : NoSnapshots(backend));
            case "apply":
                // Where there is none by that name the driver says why: what holds for any snapshot comes first.
                ImageSnapshot applied = SourceSnapshot.Find(snapshots, _snapshot!) ?? new ImageSnapshot("", _snapshot!);
                await NamingAsync("apply", () => ApplyAsync(call, backend, applied, cancel));
                return 0;
            default:
                if (snapshots is null && !call.Name.FollowsTexts)
                {
                    return call.Fail(NoSnapshots(backend));
                }

                ImageSnapshot deleted = snapshots?.All.FirstOrDefault(snapshot => snapshot.Name == _snapshot) ?? throw new BlockException($"Could not delete snapshot '{_snapshot}': snapshot not found");
                await NamingAsync("delete", () => backend.DeleteSnapshotAsync(deleted, cancel));
                return 0;
        }
    }

    private static async Task ApplyAsync(ImgCall call, BlockBackend backend, ImageSnapshot snapshot, CancellationToken cancel)
    {
        try
        {
            await backend.ApplySnapshotAsync(snapshot, cancel);
        }
        catch (BlockException error) when (error.Kind == BlockErrorKind.NotFound || (call.Name.FollowsTexts && error.Kind == BlockErrorKind.NotSupported))
        {
            throw new BlockException(error.Kind, $"Failed to load snapshot: {error.Kind.ToErrnoText()}", error);
        }
    }

    // No machine has run: it has carried out no instructions.
    private async Task<int> CreateAsync(ImgCall call, BlockBackend backend, IImageSnapshots? snapshots, CancellationToken cancel)
    {
        if (snapshots is null)
        {
            return call.Fail(call.Name.FollowsTexts ? $"Could not create snapshot '{_snapshot}': -95 (Operation not supported)" : NoSnapshots(backend));
        }

        try
        {
            await backend.CreateSnapshotAsync(new ImageSnapshot("", _snapshot!) { Date = call.World.Context.TimeProvider.GetUtcNow(), InstructionCount = 0 }, cancel);
            return 0;
        }
        catch (BlockException error) when (call.Name.FollowsTexts)
        {
            return call.Fail($"Could not create snapshot '{_snapshot}': {-error.Kind.ToErrno()} ({error.Kind.ToErrnoText()})");
        }
        catch (BlockException error)
        {
            throw error.Prefixed($"Could not create snapshot '{_snapshot}': ");
        }
    }

    private async Task NamingAsync(string verb, Func<Task> work)
    {
        try
        {
            await work();
        }
        catch (BlockException error)
        {
            throw error.Prefixed($"Could not {verb} snapshot '{_snapshot}': ");
        }
    }

    /// <inheritdoc/>
    protected override void TakeOption(string option, string? value)
    {
        switch (option)
        {
            case "list" or "apply" or "create" or "delete":
                if (_hasAction)
                {
                    throw ImgUsage.Error("Cannot mix '-l', '-a', '-c', '-d'");
                }

                _hasAction = true;
                _action = option;
                _snapshot = value;
                break;
            default:
                _source.Take(option, value);
                break;
        }
    }

    private static string NoSnapshots(BlockBackend backend) => $"format '{backend.Root!.Driver.Name}' has no snapshots inside its images";
}
