using System.Runtime.CompilerServices;
using BlockGraph.BlockCore.Drain;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Events;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Io;
using BlockGraph.BlockCore.Options;
using BlockGraph.BlockCore.Permissions;
using BlockGraph.BlockCore.Requests;
using BlockGraph.BlockCore.Scheduling;
using BlockGraph.BlockCore.Throttling;

namespace BlockGraph.BlockCore.Backend;

/// <content>
/// The limits of the device, which stay while media come and go: reads and writes, zero writes among them, take turns in a throttle group before they
/// enter the graph. Discards, flushes and queries do not.
/// </content>
/// <remarks>
/// <para>First the gate, then the limits: what waits for its turn is in flight, so that a drain waits for it, and lets it go at once. What waits at the gate
/// has been charged nothing, and meets the limits that hold when the gate opens.</para>
/// <para>A backend is one member of its group however many contexts submit, so that it has one share and its requests keep their order. The member
/// lives at home: a submitter's request goes there for its turn and comes back to be carried out.</para>
/// </remarks>
public sealed partial class BlockBackend
{
    // One at a time changes limits: it looks first, and then waits for requests.
    private readonly CoMutex _limits = new();

    // The main context writes, lanes read. While a request is in flight it stays in its group, and at its home.
    private ThrottleGroupMember? _member;

    // Not zero where requests cannot take the short way in: the gate is closed, the backend is throttled, or slow requests are traced.
    private int _obstacleCount;

    /// <summary>The group whose limits count for the device, or null. Any thread.</summary>
    public ThrottleGroup? ThrottleGroup => Volatile.Read(ref _member)?.Group;

    /// <summary>
    /// Gives the device these limits, and no others. In a group they are those of all its members. Requests that wait meet them at once. Any thread.
    /// <i>QEMU: block_set_io_throttle.</i>
    /// </summary>
    /// <param name="limits">The limits. Where nothing is limited, all requests that wait are carried out, and the device leaves its group, whose limits stay.</param>
    /// <param name="groupName">
    /// The group to be in, created where there is none; when the requests that wait have been carried out, the device leaves the one it was in. Null: the group it
    /// is in, or else the one called as the backend, or as the device in front; without a name, one of its own.
    /// </param>
    /// <exception cref="BlockException">The limits contradict one another, or the group has no name; nothing has changed.</exception>
    /// <exception cref="ObjectDisposedException">The backend is closed.</exception>
    public Task LimitAsync(ThrottleConfig limits, string? groupName = null)
    {
        ArgumentNullException.ThrowIfNull(limits);
        return Graph.MainContext.RunAsync(() =>
        {
            limits.Validate();
            return LimitAsync(limits, groupName, defaultName: null, keepsShape: false);
        });
    }

    /// <summary>What there is to see of the limits, by the names and in the order of the device's section in QEMU's <c>query-block</c>. Any thread.</summary>
    public OptionsDictionary QueryThrottling()
    {
        ThrottleGroup? group = ThrottleGroup;
        ThrottleConfig config = group?.Config ?? ThrottleConfig.Unlimited;
        OptionsDictionary result = [];
        foreach ((ThrottleKey key, string name) in DeviceThrottleKeys.All)
        {
            bool isShown = key.Part switch
            {
                ThrottleKeyPart.Rate => true,
                ThrottleKeyPart.BurstLength => config[key.Meter!.Value].Burst != 0,
                _ => config[key] != 0,
            };
            if (isShown)
            {
                result.Add(name, config[key]);
            }
        }

        if (group is not null)
        {
            result.Add(DeviceThrottleKeys.Group, group.Name);
        }

        return result;
    }

    /// <summary>As the public one, for limits that are valid; where <paramref name="keepsShape"/> of the nineteen keys alone. Main context.</summary>
    internal async Task LimitAsync(ThrottleConfig limits, string? groupName, string? defaultName, bool keepsShape)
    {
        await _limits.EnterAsync();
        try
        {
            ObjectDisposedException.ThrowIf(Closing is not null, this);
            if (!limits.IsEnabled)
            {
                await ChangeGroupAsync(null);
            }
            else if (_member is { } member && (groupName is null || groupName == member.Group.Name))
            {
                SetLimits(member.Group, limits, keepsShape);
            }
            else
            {
                await MoveToGroupAsync(limits, groupName ?? defaultName, keepsShape);
            }
        }
        finally
        {
            _limits.Exit();
        }
    }

    /// <summary>The backend begins with <paramref name="throttling"/>, which is valid, unless somebody has given it limits already. Main context.</summary>
    internal void JoinGroup(BackendThrottling? throttling)
    {
        if (throttling is { Limits.IsEnabled: true } && _member is null)
        {
            ThrottleGroup group = HoldGroup(throttling.GroupName);
            JoinGroup(group);
            SetLimits(group, throttling.Limits, throttling.KeepsShape);
        }
    }

    private async Task MoveToGroupAsync(ThrottleConfig limits, string? groupName, bool keepsShape)
    {
        ThrottleGroup group = HoldGroup(groupName);
        try
        {
            await ChangeGroupAsync(group);
        }
        catch
        {
            Graph.ThrottleGroups.Release(group);
            throw;
        }

        SetLimits(group, limits, keepsShape);
    }

    // The group that was left keeps its limits, if others are in it. Takes over a reference to the new one, unless it fails.
    private async Task ChangeGroupAsync(ThrottleGroup? group)
    {
        if (_member is not null)
        {
            // What waits is let go and finishes; whoever comes meanwhile waits at the gate, and finds the new state.
            await using (await DrainScope.BeginUserAsync(Graph, this))
            {
                ObjectDisposedException.ThrowIf(Closing is not null, this);
                LeaveGroup();
                JoinGroup(group);
            }
        }
        else
        {
            JoinGroup(group);
        }
    }

    private ThrottleGroup HoldGroup(string? name)
    {
        name ??= Name ?? _device?.Id;
        return name switch
        {
            null => Graph.ThrottleGroups.CreateAnonymous(ThrottleConfig.Unlimited),
            "" => throw BackendThrottling.NamelessGroup(),
            _ => Graph.ThrottleGroups.JoinOrCreate(name),
        };
    }

    private void JoinGroup(ThrottleGroup? group)
    {
        if (group is null)
        {
            return;
        }

        ThrottleGroupMember member = group.AddMember(Context);
        if (QuiesceCount > 0)
        {
            // Told of the drain before there was a member; it will be told of its end.
            member.BeginDrain();
        }

        Volatile.Write(ref _member, member);
        UpdateObstacles();
    }

    // Nothing waits: the backend is drained, or has no medium.
    private void LeaveGroup()
    {
        if (_member is { } member)
        {
            Volatile.Write(ref _member, null);
            UpdateObstacles();
            member.Leave();
        }
    }

    private void SetLimits(ThrottleGroup group, ThrottleConfig limits, bool keepsShape)
    {
        ThrottleConfig oldLimits = group.Config;
        ThrottleLimitsUpdate update = keepsShape ? ThrottleLimitsUpdate.ReplacingLimits(limits) : ThrottleLimitsUpdate.Replacing(limits);
        group.MergeConfig(update, Graph.Profile.ThrottleChangeResetsLevels ? ThrottleChangePolicy.Reset : ThrottleChangePolicy.Scale);
        if (group.Config != oldLimits && Graph.ThrottleGroups.IsObject(group))
        {
            Graph.Events.Publish(new ThrottleLimitsChanged(group.Name, null, Name ?? ""));
        }
    }

    private void SetGate(int count)
    {
        Volatile.Write(ref _gateCount, count);
        UpdateObstacles();
    }

    private void UpdateObstacles() => Volatile.Write(ref _obstacleCount, _gateCount + (_member is null ? 0 : 1) + (Graph.Tracer is null ? 0 : 1));

    private static ThrottleDirection DirectionOf(RequestKind kind) => kind == RequestKind.Read ? ThrottleDirection.Read : ThrottleDirection.Write;

    /// <summary>Null where a request may start: nothing is limited, or it was admitted and charged. Otherwise it is to take its turn.</summary>
    private ThrottleGroupMember? FindMemberToWaitFor(RequestLane lane, RequestKind kind, long bytes)
    {
        ThrottleGroupMember? member = Volatile.Read(ref _member);
        bool isAdmitted = member is null || (ReferenceEquals(lane.Context, member.Context) && member.TryAdmit(DirectionOf(kind), bytes));
        return isAdmitted ? null : member;
    }

    /// <summary>
    /// Completes on the lane when a request that is counted in flight may start, with its way in as it is by then. Where it fails, it is in flight no longer,
    /// and nothing is charged unless its turn had come.
    /// </summary>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<BlockChild> TakeTurnAsync(ThrottleGroupMember member, RequestLane lane, RequestKind kind, long offset, long length, CancellationToken cancel)
    {
        bool mayStart = false;
        try
        {
            await Context.SwitchTo();
            await member.WaitAsync(DirectionOf(kind), length, cancel);
            mayStart = true;
        }
        finally
        {
            await lane.Context.SwitchTo();
            if (!mayStart)
            {
                lane.Release();
            }
        }

        return LookAgain(lane, kind, offset, length);
    }

    // No drain has passed meanwhile, but a tray may have been opened, or the image made shorter.
    private BlockChild LookAgain(RequestLane lane, RequestKind kind, long offset, long length)
    {
        BlockChild? root = Reachable;
        bool isWriteRefused = kind != RequestKind.Read && root is not null && (root.Permissions.Required & BlockPermissions.Write) == 0;
        if (root is null || isWriteRefused || !root.IsInside(offset, length))
        {
            lane.Refuse(kind);
            lane.Release();
            throw root is null ? NoMedium() : RefusalOf(root, kind, offset, length);
        }

        return root;
    }
}
