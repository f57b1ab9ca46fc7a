using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Io;
using BlockGraph.BlockCore.Permissions;
using BlockGraph.BlockCore.Scheduling;

namespace BlockGraph.Simulation.Tests.Storm;

/// <content>Backends come and go, and want other things than before.</content>
internal sealed partial class StormChanger
{
    private async Task<StormOutcome> UseAsync()
    {
        StormDisk disk = AnyDisk();
        if (AnyNode(disk) is not { } node)
        {
            return StormOutcome.Refused;
        }

        BlockBackend other = await world.Graph.AttachBackendAsync(node, new BackendOptions { ReadOnly = true, AllowsContextChange = _chance.OneIn(2) });
        Task[] reads = [.. Enumerable.Range(0, 3).Select(_ => ReadAsync(other, disk))];
        if (_chance.OneIn(2))
        {
            await Task.WhenAll(reads);
        }

        // Otherwise it is closed while they fly, and waits for them.
        try
        {
            await other.DisposeAsync();
        }
        catch (BlockException) when (disk.HasFaults)
        {
        }

        await Task.WhenAll(reads);
        return StormOutcome.Done;
    }

    private async Task ReadAsync(BlockBackend other, StormDisk disk)
    {
        int offset = _chance.Next(1000);
        int length = 1 + _chance.Next(4000);
        try
        {
            if (offset + length <= other.LengthBytes)
            {
                await other.ReadAsync(offset, new byte[length]);
            }
        }
        catch (BlockException error)
        {
            // It was held back until its backend was gone, or storage failed.
            world.Expect(error.Kind == BlockErrorKind.NoMedium || disk.HasFaults ? null : $"another user's read failed: {error.Message}");
        }
    }

    private async Task<StormOutcome> SetPermissionsAsync()
    {
        StormDisk disk = AnyDisk();
        BlockBackend backend = disk.Backend;
        PermissionSet own = backend.Permissions;
        if ((own.Required & BlockPermissions.Write) == 0)
        {
            // Another changer has taken it for a while.
            return StormOutcome.Refused;
        }

        FailAnyStep();
        await backend.SetPermissionsAsync(new PermissionSet(BlockPermissions.ConsistentRead, BlockPermissions.All));
        await PauseAsync(200_000);
        await RestoreAsync("its user cannot write again", disk, () => backend.SetPermissionsAsync(own));
        return StormOutcome.Done;
    }

    private Task<StormOutcome> ChangeMediumAsync() => WithMediumAsync(async disk =>
    {
        await disk.Backend.RemoveAsync();
        await PauseAsync(100_000);
        await RestoreAsync("the medium cannot be put back", disk, () => disk.Backend.InsertAsync(disk.Anchor));
    });

    private Task<StormOutcome> CloseBackendAsync() => WithMediumAsync(async disk =>
    {
        try
        {
            await disk.Backend.DisposeAsync();
        }
        catch (BlockException error)
        {
            // It is closed all the same.
            world.Expect(disk.HasFaults ? null : $"disk '{disk.Name}': closing failed without a fault: {error.Message}");
        }

        await PauseAsync(100_000);
        await RestoreAsync("it cannot get another user", disk, () => disk.AttachAsync(world.Graph));
    });

    private async Task<StormOutcome> WithMediumAsync(Func<StormDisk, Task> change)
    {
        StormDisk disk = AnyDisk();
        await disk.Medium.EnterAsync();
        try
        {
            if (disk.Backend.Root is null)
            {
                return StormOutcome.Refused;
            }

            await change(disk);
            return StormOutcome.Done;
        }
        finally
        {
            disk.Medium.Exit();
        }
    }

    private async Task<StormOutcome> AddSubmitterAsync()
    {
        await AnyDisk().Backend.AddSubmitterAsync(AnyContext());
        return StormOutcome.Done;
    }

    private async Task<StormOutcome> RemoveSubmitterAsync()
    {
        BlockBackend backend = AnyDisk().Backend;
        IReadOnlyList<AioContext> submitters = backend.Submitters;
        if (submitters.Count == 1)
        {
            return StormOutcome.Refused;
        }

        await backend.RemoveSubmitterAsync(submitters[1 + _chance.Next(submitters.Count - 1)]);
        return StormOutcome.Done;
    }

    private Task<StormOutcome> SetWriteCacheAsync()
    {
        BlockBackend backend = AnyDisk().Backend;
        backend.IsWriteCacheEnabled = !backend.IsWriteCacheEnabled;
        return Task.FromResult(StormOutcome.Done);
    }

    // It becomes longer, and as long as it was where it can; nobody's bytes are beyond that.
    private async Task<StormOutcome> TruncateAsync()
    {
        BlockBackend backend = AnyDisk().Backend;
        long lengthBytes = backend.LengthBytes;
        if (lengthBytes == 0)
        {
            return StormOutcome.Refused;
        }

        PreallocationMode preallocation = (PreallocationMode)_chance.Next(Enum.GetValues<PreallocationMode>().Length);
        await backend.TruncateAsync(lengthBytes + 4096, preallocation: preallocation);
        await PauseAsync(100_000);
        await backend.TruncateAsync(lengthBytes);
        return StormOutcome.Done;
    }

    private async Task<StormOutcome> CheckAsync()
    {
        StormDisk disk = AnyDisk();
        ImageCheck check = await disk.Backend.CheckAsync();
        world.Expect(check.CorruptionCount == 0 ? null : $"disk '{disk.Name}': a check finds {check.CorruptionCount} corruptions");
        return StormOutcome.Done;
    }
}
