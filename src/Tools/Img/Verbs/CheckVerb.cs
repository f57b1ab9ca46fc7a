using System.Globalization;
using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Options;
using BlockGraph.Qapi.Options;
using BlockGraph.Tools.Dispatch;
using BlockGraph.Tools.Io;

namespace BlockGraph.Tools.Img.Verbs;

/// <summary><c>img check</c>: whether an image's metadata contradicts itself.</summary>
internal sealed class CheckVerb : ImgVerb
{
    private const int HasErrors = 2;
    private const int HasLeaks = 3;
    private const int CannotCheck = 63;
    private readonly SourceArguments _source = new();
    private ImageRepairs _repairs;
    private bool _readsData;

    /// <inheritdoc/>
    public override string Name => "check";

    /// <inheritdoc/>
    public override string Summary => "Look through an image's metadata for what contradicts itself, and mend it where asked to.";

    /// <inheritdoc/>
    public override IReadOnlyList<string> Notes { get; } =
        ["Exit codes: 0 nothing wrong; 1 the check failed; 2 errors are left that may destroy data; 3 only leaks are left (space that is taken and not used); 63 the format has nothing to check."];

    /// <inheritdoc/>
    public override IReadOnlyList<ImgOption> Options { get; } =
    [
        ImgOption.Object,
        ImgOption.ImageOpts,
        ImgOption.Quiet,
        ImgOption.Format,
        ImgOption.Output,
        new('r', "repair", "mend leaks, or all that is wrong", "leaks|all"),
        new('\0', "data", "decompress every compressed cluster as well") { IsOwnOnly = true },
        ImgOption.SourceCache,
        ImgOption.ForceShare,
        ImgOption.Progress with { IsOwnOnly = true },
    ];

    /// <inheritdoc/>
    public override void Check(IReadOnlyList<string> operands)
    {
        CheckOneFile(operands);
        _source.Check();
    }

    /// <inheritdoc/>
    public override Task<int> RunAsync(ImgCall call) => ImgInterrupt.RunAsync(call.Console, call.Name.Program, cancel => RunAsync(call, cancel));

    /// <inheritdoc/>
    protected override void TakeOption(string option, string? value)
    {
        switch (option)
        {
            case "repair":
                _repairs = value switch
                {
                    "leaks" => ImageRepairs.Leaks,
                    "all" => ImageRepairs.Leaks | ImageRepairs.Errors,
                    _ => throw ImgUsage.Error($"Unknown option value for -r (expecting 'leaks' or 'all'): {value}"),
                };
                break;
            case "data":
                _readsData = true;
                break;
            default:
                _source.Take(option, value);
                break;
        }
    }

    private async Task<int> RunAsync(ImgCall call, CancellationToken cancel)
    {
        IoOpenMode mode = _source.ReadMode with { IsReadOnly = _repairs == ImageRepairs.None };
        await using BlockBackend backend = await (_source.ImageOf(call.Operands[0], mode) with { IsForCheck = true }).OpenAsync(call.World, call.Name, call.Warn, cancel);
        using ImgProgress progress = new(call, _source.ShowsProgress);
        ImageCheckRequest request = new() { Repairs = _repairs, ReadsData = _readsData, Findings = new FindingPrinter(call.Console.Error, progress), Progress = progress };
        ImageCheck check;
        try
        {
            check = await backend.CheckAsync(request, cancel);
            progress.Complete();
        }
        catch (BlockException failure) when (failure.Kind == BlockErrorKind.NotSupported)
        {
            call.Fail(call.Name.FollowsTexts ? "This image format does not support checks" : $"{call.Operands[0]}: format '{backend.Root!.Driver.Name}' has nothing to check");
            return CannotCheck;
        }
        catch (BlockException failure) when (call.Name.FollowsTexts)
        {
            Complaint.Print(call.Console, call.Name.Program, failure, CompatibilityProfile.Qemu);
            return call.Fail($"Check failed: {failure.Kind.ToErrnoText()}");
        }
        finally
        {
            progress.End();
        }

        if (_source.IsQuiet)
        {
            // The exit code says it.
        }
        else if (_source.IsJson)
        {
            call.Out.WriteLine(JsonText.Print(ToJson(check, call.Operands[0], backend.Root!.Driver.Name), isPretty: true));
        }
        else
        {
            Print(call.Out, check);
        }

        return check.UncheckedCount > 0 ? 1 : check.CorruptionCount > 0 ? HasErrors : check.LeakCount > 0 ? HasLeaks : 0;
    }

    private static void Print(TextWriter output, ImageCheck check)
    {
        if (check.MendedLeakCount > 0 || check.MendedCorruptionCount > 0)
        {
            output.WriteLine("The following inconsistencies were found and repaired:");
            output.WriteLine();
            output.WriteLine($"    {check.MendedLeakCount} leaked clusters");
            output.WriteLine($"    {check.MendedCorruptionCount} corruptions");
            output.WriteLine();
            output.WriteLine("Double checking the fixed image now...");
        }

        PrintWhatIsWrong(output, check);
        if (check.TotalClusterCount is > 0 and long total && check.AllocatedClusterCount is > 0 and long allocated)
        {
            output.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"{allocated}/{total} = {Percent(allocated, total):F2}% allocated, {Percent(check.FragmentedClusterCount, allocated):F2}% fragmented, {Percent(check.CompressedClusterCount, allocated):F2}% compressed clusters"));
        }

        if (check.EndOffset is > 0)
        {
            output.WriteLine($"Image end offset: {check.EndOffset}");
        }
    }

    private static double Percent(long? part, long whole) => (part ?? 0) * 100.0 / whole;

    private static void PrintWhatIsWrong(TextWriter output, ImageCheck check)
    {
        if (check.IsClean)
        {
            output.WriteLine("No errors were found on the image.");
            return;
        }

        if (check.CorruptionCount > 0)
        {
            output.WriteLine();
            output.WriteLine($"{check.CorruptionCount} errors were found on the image.");
            output.WriteLine("Data may be corrupted, or further writes to the image may corrupt it.");
        }

        if (check.LeakCount > 0)
        {
            output.WriteLine();
            output.WriteLine($"{check.LeakCount} leaked clusters were found on the image.");
            output.WriteLine("This means waste of disk space, but no harm to data.");
        }

        if (check.UncheckedCount > 0)
        {
            output.WriteLine();
            output.WriteLine($"{check.UncheckedCount} internal errors have occurred during the check.");
        }
    }

    private static OptionsDictionary ToJson(ImageCheck check, string fileName, string format)
    {
        OptionsDictionary json = new() { { "filename", fileName }, { "format", format }, { "check-errors", check.UncheckedCount } };
        foreach ((string key, long count) in new[]
        {
            ("image-end-offset", check.EndOffset ?? 0), ("total-clusters", check.TotalClusterCount ?? 0), ("allocated-clusters", check.AllocatedClusterCount ?? 0),
            ("compressed-clusters", check.CompressedClusterCount ?? 0), ("fragmented-clusters", check.FragmentedClusterCount ?? 0),
            ("corruptions", check.CorruptionCount), ("leaks", check.LeakCount),
            ("corruptions-fixed", check.MendedCorruptionCount), ("leaks-fixed", check.MendedLeakCount),
        })
        {
            if (count > 0)
            {
                json.Add(key, count);
            }
        }

        return json;
    }

    // As soon as each is made; results go elsewhere.
    private sealed class FindingPrinter(TextWriter output, ImgProgress progress) : IProgress<ImageFinding>
    {
        public void Report(ImageFinding value)
        {
            progress.MakeRoom();
            output.WriteLine(value.Text);
        }
    }
}
