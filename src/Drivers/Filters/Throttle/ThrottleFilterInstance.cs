using System.Runtime.CompilerServices;
using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Events;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Io;
using BlockGraph.BlockCore.Options;
using BlockGraph.BlockCore.Scheduling;
using BlockGraph.BlockCore.Throttling;

namespace BlockGraph.Drivers.Filters.Throttle;

/// <summary>
/// One throttled node: a request is admitted by the group, then passed to the child as what it is. Reads count as reads; writes,
/// zero writes and discards as writes, unless told otherwise; flushes pass freely unless told otherwise, and status queries always.
/// </summary>
/// <remarks>
/// Until the operation that opens the node has succeeded it is no member yet, and limits nothing: whoever opens above it may
/// read its header.
/// </remarks>
public sealed class ThrottleFilterInstance : BlockDriverInstance
{
    private readonly BlockChild _file;
    private readonly string? _parentName;
    private readonly ThrottleChangePolicy _policy;
    private readonly Lock _drain = new();
    private ThrottlePlan? _plan;
    private ThrottleNodeSettings _settings;

    // Set under _drain: the main context makes the member, and another at a reopen, while the node's home may be told of drains.
    private ThrottleGroupMember? _member;
    private bool _isDrained;

    internal ThrottleFilterInstance(BlockChild file, ThrottlePlan plan, string? parentName, ThrottleChangePolicy policy)
    {
        _file = file;
        _parentName = parentName;
        _plan = plan;
        _settings = plan.Settings;
        _policy = policy;
    }

    // The group that the node is in, or will be in; null once it is closed.
    private ThrottleGroup? Group => _member?.Group ?? _plan?.Reservation.Group;

    private ThrottleConfig? ConfigInForce => _member?.Group.Config ?? _plan?.Reservation.Config;

    private ThrottleNodeSettings SettingsInForce => _member is { } member ? _settings with { Share = member.Share, MaxWaitMs = member.MaxWaitMs } : _settings;

    /// <summary>False until the operation that opens the node has succeeded, and once it is closed.</summary>
    public bool HasMember => _member is not null;

    /// <summary>The node's place in its group.</summary>
    public ThrottleGroupMember Member => _member ?? throw new InvalidOperationException("the node is not open yet");

    /// <inheritdoc/>
    public override RequestFlags SupportedWriteFlags => _file.Node.Instance.SupportedWriteFlags | RequestFlags.WriteUnchanged;

    /// <inheritdoc/>
    public override RequestFlags SupportedZeroFlags => _file.Node.Instance.SupportedZeroFlags | RequestFlags.WriteUnchanged;

    /// <summary>
    /// A named group by its name: its limits are not this node's. A group of the node's own by its limits, or the name would open without any. The
    /// parent that was asked for, and what the node has for itself.
    /// </summary>
    protected override OptionsDictionary? GetStrongOptions() =>
        Group is not { } group ? null
        : Node.Graph.ThrottleGroups.IsAnonymous(group) ? ThrottleFilterOptions.Describe(null, ConfigInForce, _parentName, SettingsInForce)
        : ThrottleFilterOptions.Describe(group.Name, null, _parentName, SettingsInForce);

    /// <summary>The group, the one above it, the limits in force, and what the node has for itself.</summary>
    protected override OptionsDictionary? GetDetails() =>
        Group is { } group ? ThrottleFilterOptions.Describe(group.Name, ConfigInForce, group.Parent?.Name, SettingsInForce) : null;

    /// <inheritdoc/>
    protected override long GetLengthBytes() => _file.LengthBytes;

    /// <inheritdoc/>
    protected override bool TryGetIdlePath(out BlockChild? child, out long shiftBytes)
    {
        child = _file;
        shiftBytes = 0;
        return _member is null || _member.IsIdle;
    }

    /// <inheritdoc/>
    protected override ValueTask ReadAsync(long offset, IoVector buffer, RequestFlags flags, CancellationToken cancel) =>
        _member is null || _member.TryAdmit(ThrottleDirection.Read, buffer.Length)
            ? _file.ReadAsync(offset, buffer, flags, cancel)
            : ReadInTurnAsync(offset, buffer, flags, cancel);

    /// <inheritdoc/>
    protected override ValueTask WriteAsync(long offset, IoVector buffer, RequestFlags flags, CancellationToken cancel) =>
        _member is null || _member.TryAdmit(ThrottleDirection.Write, buffer.Length)
            ? _file.WriteAsync(offset, buffer, flags, cancel)
            : WriteInTurnAsync(offset, buffer, flags, cancel);

    /// <inheritdoc/>
    protected override async ValueTask<bool> TryWriteZeroesAsync(long offset, long length, RequestFlags flags, CancellationToken cancel)
    {
        await AdmitAsync(_settings.Zeroes, length, cancel);
        await _file.WriteZeroesAsync(offset, length, flags, cancel);
        return true;
    }

    /// <inheritdoc/>
    protected override async ValueTask<bool> TryDiscardAsync(long offset, long length, CancellationToken cancel)
    {
        await AdmitAsync(_settings.Discards, length, cancel);
        await _file.DiscardAsync(offset, length, cancel);
        return true;
    }

    /// <summary>While there are limits a copy is read and written, which they count.</summary>
    protected override ValueTask<bool> TryCopyFromAsync(long offset, long length, CopyTarget target, RequestFlags flags, CancellationToken cancel) =>
        _member is null || _member.IsIdle ? _file.TryCopyFromAsync(offset, length, target, flags, cancel) : new(false);

    /// <inheritdoc cref="TryCopyFromAsync"/>
    protected override ValueTask<bool> TryCopyToAsync(CopySource source, long offset, long length, RequestFlags flags, CancellationToken cancel) =>
        _member is null || _member.IsIdle ? _file.TryCopyToAsync(source, offset, length, flags, cancel) : new(false);

    /// <inheritdoc/>
    protected override ValueTask FlushAsync(CancellationToken cancel) => AdmitAsync(_settings.Flushes, 0, cancel);

    /// <inheritdoc/>
    protected override void CommitOpen()
    {
        // A reopen of the same operation may have come before.
        if (_plan is { } plan)
        {
            _plan = null;
            Join(plan);
        }
    }

    /// <summary>Plans the move and the limits, and holds the group that the plan leads to; nothing else changes.</summary>
    protected override Task PrepareReopenAsync(ReopenContext reopen, CancellationToken cancel)
    {
        ArgumentNullException.ThrowIfNull(reopen);
        ThrottleFilterOptions options = ThrottleFilterOptions.Read(reopen);
        reopen.Step("reserve throttle group");
        reopen.State = new ThrottlePlan(Reserve(options, reopen.Operation), options.Settings);
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    protected override void CommitReopen(ReopenContext reopen)
    {
        ArgumentNullException.ThrowIfNull(reopen);

        // What has opened the node, and is about to be committed with this, came first.
        CommitOpen();
        Join((ThrottlePlan)reopen.State!);
    }

    /// <inheritdoc/>
    protected override void AbortReopen(ReopenContext reopen)
    {
        ArgumentNullException.ThrowIfNull(reopen);
        ((ThrottlePlan)reopen.State!).Reservation.Discard();
    }

    /// <inheritdoc/>
    protected override void DrainBegin()
    {
        lock (_drain)
        {
            _isDrained = true;
            _member?.BeginDrain();
        }
    }

    /// <inheritdoc/>
    protected override void DrainEnd()
    {
        lock (_drain)
        {
            _isDrained = false;
            _member?.EndDrain();
        }
    }

    /// <inheritdoc/>
    protected override void DetachContext() => _member?.Detach(Node.Context);

    /// <inheritdoc/>
    protected override void AttachContext(AioContext context) => _member?.Attach(context);

    /// <inheritdoc/>
    protected override ValueTask CloseAsync()
    {
        _plan?.Reservation.Discard();
        _plan = null;
        if (_member is { } member)
        {
            Invariant.Check(member.PendingCount(ThrottleDirection.Read) == 0);
            Invariant.Check(member.PendingCount(ThrottleDirection.Write) == 0);
            _member = null;
            member.Leave();
        }

        return default;
    }

    // The group by its name, or the present one where it is the node's own, or one of its own for its limits.
    private ThrottleReservation Reserve(ThrottleFilterOptions options, object? operation)
    {
        ThrottleGroupRegistry groups = Node.Graph.ThrottleGroups;
        ThrottleGroup present = Group!;
        if (options.GroupName is null && groups.IsAnonymous(present))
        {
            return groups.ReserveChange(present, options.Limits, operation: operation);
        }

        if (options.GroupName is null && options.Limits.IsEmpty)
        {
            throw new BlockException($"Please specify a throttle group: node '{Node.Name}' is in group '{present.Name}', and needs limits of its own without one");
        }

        return groups.Reserve(options.GroupName, options.Limits, operation: operation, parentName: options.ParentName);
    }

    // Cannot fail.
    private void Join(ThrottlePlan plan)
    {
        ThrottleReservation reservation = plan.Reservation;
        ThrottleConfig oldLimits = reservation.Group.Config;
        ThrottleGroupMember? oldMember = _member;
        ThrottleGroupMember newMember = reservation.Commit(Node.Context, oldMember, _policy);
        _settings = plan.Settings;
        newMember.MaxWaitMs = plan.Settings.MaxWaitMs;
        newMember.ActivityChanged = Node.Graph.BumpEpoch;
        newMember.SetShare(plan.Settings.Share);
        if (!ReferenceEquals(newMember, oldMember))
        {
            lock (_drain)
            {
                _member = newMember;
                if (_isDrained)
                {
                    // Told of the drain before there was this member; it will be told of its end.
                    newMember.BeginDrain();
                }
            }

            // From now on requests must come by here.
            Node.Graph.BumpEpoch();
        }

        if (newMember.Group.Config != oldLimits && Node.Graph.ThrottleGroups.IsObject(newMember.Group))
        {
            Node.Graph.Events.Publish(new ThrottleLimitsChanged(newMember.Group.Name, Node.Name));
        }
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    private async ValueTask ReadInTurnAsync(long offset, IoVector buffer, RequestFlags flags, CancellationToken cancel)
    {
        await _member!.WaitAsync(ThrottleDirection.Read, buffer.Length, cancel);
        await _file.ReadAsync(offset, buffer, flags, cancel);
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    private async ValueTask WriteInTurnAsync(long offset, IoVector buffer, RequestFlags flags, CancellationToken cancel)
    {
        await _member!.WaitAsync(ThrottleDirection.Write, buffer.Length, cancel);
        await _file.WriteAsync(offset, buffer, flags, cancel);
    }

    private ValueTask AdmitAsync(ThrottleCharge charge, long lengthBytes, CancellationToken cancel)
    {
        long chargedBytes = charge == ThrottleCharge.Full ? lengthBytes : 0;
        return charge == ThrottleCharge.None || _member is null || _member.TryAdmit(ThrottleDirection.Write, chargedBytes)
            ? default
            : _member.WaitAsync(ThrottleDirection.Write, chargedBytes, cancel);
    }
}
