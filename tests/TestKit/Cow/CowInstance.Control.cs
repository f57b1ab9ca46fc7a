using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Events;
using BlockGraph.BlockCore.Io;
using BlockGraph.BlockCore.Options;

namespace BlockGraph.TestKit.Cow;

/// <content>What happens to the image as a whole: other options, another backing name, checks, hand-overs, the end. The node is drained each time.</content>
internal sealed partial class CowInstance
{
    /// <inheritdoc/>
    protected override Task PrepareReopenAsync(ReopenContext reopen, CancellationToken cancel)
    {
        ArgumentNullException.ThrowIfNull(reopen);
        CowOptions options = CowOptions.Read(reopen.CreateReader());
        options.Check(_metadata.Header);
        reopen.Step("prepare cow options");
        reopen.State = options;

        // Who may not write any more cannot write that the image is closed cleanly.
        return reopen.NewIsReadOnly && !reopen.OldIsReadOnly ? _metadata.CleanAsync().AsTask() : Task.CompletedTask;
    }

    /// <inheritdoc/>
    protected override void CommitReopen(ReopenContext reopen)
    {
        ArgumentNullException.ThrowIfNull(reopen);
        Adopt((CowOptions)reopen.State!);
    }

    /// <summary>Nothing was taken: options are values.</summary>
    protected override void AbortReopen(ReopenContext reopen)
    {
    }

    /// <inheritdoc/>
    protected override async Task ChangeBackingFileAsync(string? fileName, string? format)
    {
        if (format is not null && fileName is null)
        {
            throw new BlockException("A backing format needs a backing file name");
        }

        await _metadata.ChangeHeaderAsync(header => header.WithBacking(fileName, format));
        await _file.FlushAsync(CancellationToken.None);
    }

    /// <inheritdoc/>
    protected override async Task<ImageCheck> CheckAsync(ImageCheckRequest request, CancellationToken cancel)
    {
        ArgumentNullException.ThrowIfNull(request);
        if (request.Repairs != ImageRepairs.None && !Node.IsWritable)
        {
            throw new BlockException(BlockErrorKind.AccessDenied, "Image is read-only");
        }

        await _metadata.WriteBackAsync();
        return await new CowCheck(_file, _metadata, request.Repairs).RunAsync(cancel);
    }

    /// <summary>The length is all that can be changed.</summary>
    protected override async Task AmendAsync(ImageAmendRequest request, CancellationToken cancel)
    {
        ArgumentNullException.ThrowIfNull(request);
        OptionReader reader = new(request.Options.Clone(), Node.Driver.AmendOptions!);
        await TryWriteLengthAsync(reader.GetSize(CreateContext.SizeOption), isExact: true, PreallocationMode.Off, RequestFlags.None, cancel);
    }

    /// <inheritdoc/>
    protected override async Task<bool> TryMakeEmptyAsync(CancellationToken cancel)
    {
        ThrowIfSharing();
        cancel.ThrowIfCancellationRequested();
        await _metadata.EmptyAsync();
        return true;
    }

    /// <inheritdoc/>
    protected override Task DeactivateAsync() => Node.IsReadOnly ? Task.CompletedTask : _metadata.CleanAsync().AsTask();

    /// <inheritdoc/>
    protected override Task ActivateAsync() => _metadata.LoadAsync(CancellationToken.None);

    /// <summary>Says in the file that it was closed cleanly. Where that fails the file says that it was not, which is true enough.</summary>
    protected override async ValueTask CloseAsync()
    {
        if (!Node.IsWritable)
        {
            return;
        }

        _bitmaps.Store();
        try
        {
            await _metadata.CleanAsync();
        }
        catch (BlockException error)
        {
            Node.Graph.Events.Publish(new BlockWarning($"Node '{Node.Name}': the image could not be closed cleanly: {error.Message}"));
        }
    }
}
