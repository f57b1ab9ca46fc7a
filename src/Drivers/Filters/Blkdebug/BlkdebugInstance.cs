using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Events;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Io;
using BlockGraph.BlockCore.Permissions;
using BlockGraph.BlockCore.Scheduling;

namespace BlockGraph.Drivers.Filters.Blkdebug;

/// <summary>
/// One blkdebug node: requests that a rule concerns fail, all others go to the child as they are; a request that comes to a breakpoint
/// waits there. Tools and tests set breakpoints by its methods, from any thread that runs a context.
/// </summary>
public sealed class BlkdebugInstance : BlockDriverInstance
{
    private readonly BlockChild _image;
    private readonly BlkdebugOptions _options;
    private readonly BlkdebugRules _rules;
    private readonly BlkdebugBreakpoints _breakpoints;

    internal BlkdebugInstance(BlockChild image, BlkdebugOptions options, BlkdebugRules rules)
    {
        _image = image;
        _options = options;
        _rules = rules;
        _breakpoints = new BlkdebugBreakpoints((tag, isResumed) => Node.Graph.Events.Publish(new DebugSuspension(Node.Name, tag, isResumed)));
    }

    /// <summary>The state that the rules have brought the machine to; it begins in 1.</summary>
    public long State => _rules.State;

    /// <summary>The tags under which requests are suspended, the oldest first.</summary>
    public IReadOnlyList<string> SuspendedTags => _breakpoints.SuspendedTags;

    /// <inheritdoc/>
    public override BlockLimits Limits => _options.Limits.ToLimits(_image.Node.Limits.RequestAlignmentBytes);

    /// <inheritdoc/>
    public override RequestFlags SupportedWriteFlags => _image.Node.Instance.SupportedWriteFlags | RequestFlags.WriteUnchanged;

    /// <inheritdoc/>
    public override RequestFlags SupportedZeroFlags => _image.Node.Instance.SupportedZeroFlags | RequestFlags.WriteUnchanged;

    /// <inheritdoc/>
    public override bool HearsDebugEvents => true;

    /// <summary>Rules about flushes concern those that have something to do.</summary>
    public override bool FlushesOnlyToDisk => true;

    /// <summary>Suspends the next request that comes to <paramref name="debugEvent"/>, under <paramref name="tag"/>; it stays in flight until it is resumed. <i>QEMU: qemu-io break.</i></summary>
    public void SetBreakpoint(DebugEvent debugEvent, string tag)
    {
        ArgumentNullException.ThrowIfNull(tag);
        _breakpoints.Set(debugEvent, tag);
    }

    /// <summary>True where a breakpoint under <paramref name="tag"/> has stopped no request yet.</summary>
    public bool HasBreakpoint(string tag) => _breakpoints.Has(tag);

    /// <summary>Removes every breakpoint, resumes everything, and returns the tags of what was suspended, the oldest first.</summary>
    public IReadOnlyList<string> RemoveAllBreakpoints() => _breakpoints.RemoveAll();

    /// <summary>Removes the breakpoints of <paramref name="tag"/> and resumes what is suspended under it; false where there was neither. <i>QEMU: qemu-io remove_break.</i></summary>
    public bool RemoveBreakpoint(string tag) => _breakpoints.Remove(tag);

    /// <summary>Resumes the request that has been suspended longest under <paramref name="tag"/>; false where none is. <i>QEMU: qemu-io resume.</i></summary>
    public bool Resume(string tag) => _breakpoints.Resume(tag);

    /// <summary>True where a request is suspended under <paramref name="tag"/>.</summary>
    public bool IsSuspended(string tag) => _breakpoints.SuspendedTags.Contains(tag);

    /// <summary>Completes when a request is suspended under <paramref name="tag"/>. The caller runs on a context. <i>QEMU: qemu-io wait_break.</i></summary>
    public ValueTask WaitForSuspensionAsync(string tag) => _breakpoints.WaitForSuspensionAsync(tag);

    /// <inheritdoc/>
    protected override ValueTask OnDebugEventAsync(DebugEvent debugEvent)
    {
        if (_rules.HasRules)
        {
            _rules.OnEvent(debugEvent);
        }

        return _breakpoints.HitAsync(debugEvent);
    }

    /// <inheritdoc/>
    protected override long GetLengthBytes() => _image.LengthBytes;

    /// <inheritdoc/>
    protected override ValueTask ReadAsync(long offset, IoVector buffer, RequestFlags flags, CancellationToken cancel) =>
        _rules.Take(BlkdebugIoType.Read, offset, buffer.Length) is { } rule ? FailAsync(rule) : _image.ReadAsync(offset, buffer, flags, cancel);

    /// <inheritdoc/>
    protected override ValueTask WriteAsync(long offset, IoVector buffer, RequestFlags flags, CancellationToken cancel) =>
        _rules.Take(BlkdebugIoType.Write, offset, buffer.Length) is { } rule ? FailAsync(rule) : _image.WriteAsync(offset, buffer, flags, cancel);

    /// <summary>What is shorter than the preferred multiple, or fails as not supported, is written as buffers.</summary>
    protected override async ValueTask<bool> TryWriteZeroesAsync(long offset, long length, RequestFlags flags, CancellationToken cancel)
    {
        if (length < _options.Limits.ZeroBytesMin || await IsUnsupportedAsync(BlkdebugIoType.WriteZeroes, offset, length))
        {
            return false;
        }

        await _image.WriteZeroesAsync(offset, length, flags, cancel);
        return true;
    }

    /// <summary>What is to fail as not supported is ignored.</summary>
    protected override async ValueTask<bool> TryDiscardAsync(long offset, long length, CancellationToken cancel)
    {
        if (await IsUnsupportedAsync(BlkdebugIoType.Discard, offset, length))
        {
            return false;
        }

        await _image.DiscardAsync(offset, length, cancel);
        return true;
    }

    /// <summary>The core flushes the child afterwards.</summary>
    protected override ValueTask FlushAsync(CancellationToken cancel) =>
        _rules.Take(BlkdebugIoType.Flush, 0, 0) is { } rule ? FailAsync(rule) : default;

    /// <inheritdoc/>
    protected override async ValueTask<BlockStatus> GetStatusAsync(BlockStatusQuery wanted, long offset, long length, CancellationToken cancel)
    {
        if (_rules.Take(BlkdebugIoType.BlockStatus, offset, length) is { } rule)
        {
            throw await FailureOfAsync(rule);
        }

        return new BlockStatus(BlockStatusFlags.Raw | BlockStatusFlags.OffsetValid, length, offset, _image);
    }

    /// <inheritdoc/>
    protected override PermissionSet GetChildPermissions(ChildPermissionRequest request) =>
        new(request.Default.Required | _options.Taken, request.Default.Shared & ~_options.Unshared);

    private static async ValueTask FailAsync(InjectErrorRule rule) => throw await FailureOfAsync(rule);

    private static async ValueTask<BlockException> FailureOfAsync(InjectErrorRule rule)
    {
        if (!rule.IsImmediate)
        {
            await AioContext.Current!.YieldAsync();
        }

        return InjectedErrno.ToException(rule.Errno);
    }

    // An error that says so is no failure: the core has another way.
    private async ValueTask<bool> IsUnsupportedAsync(BlkdebugIoType ioType, long offset, long length)
    {
        if (_rules.Take(ioType, offset, length) is not { } rule)
        {
            return false;
        }

        BlockException failure = await FailureOfAsync(rule);
        return failure.Kind == BlockErrorKind.NotSupported ? true : throw failure;
    }
}
