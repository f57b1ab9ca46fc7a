using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Throttling;

namespace BlockGraph.Simulation.Tests.Storm;

/// <content>Devices get limits, share them, have them changed, and are rid of them, while requests wait.</content>
internal sealed partial class StormChanger
{
    private static readonly string?[] s_deviceGroups = [null, null, "group-0", "group-1"];

    private async Task<StormOutcome> LimitDeviceAsync()
    {
        BlockBackend backend = AnyDisk().Backend;
        ThrottleConfig limits = new() { IopsTotal = new ThrottleLimits(world.ChooseRate(_chance)) };
        string? groupName = s_deviceGroups[_chance.Next(s_deviceGroups.Length)];
        if (_chance.OneIn(4))
        {
            return await RefuseLimitsAsync(backend, groupName);
        }

        if (_chance.OneIn(2) && backend.RootEdge is not null)
        {
            await world.Graph.SetIoThrottleAsync(new DeviceThrottleRequest { Device = backend.Name, Limits = limits, Group = groupName });
        }
        else
        {
            await backend.LimitAsync(limits, groupName);
        }

        return StormOutcome.Done;
    }

    // Now and then it was the last in its group.
    private async Task<StormOutcome> UnlimitDeviceAsync()
    {
        BlockBackend backend = AnyDisk().Backend;
        await backend.LimitAsync(ThrottleConfig.Unlimited, _chance.OneIn(2) ? "ignored" : null);
        return StormOutcome.Done;
    }

    // Nobody reads what is there: it is told of, and nothing else.
    private async Task<StormOutcome> RegisterBufferAsync()
    {
        BlockBackend backend = AnyDisk().Backend;
        nint address = 4096 * (1 + _chance.Next(4));
        await backend.RegisterBufferAsync(address, 4096);
        await PauseAsync(400_000);
        await backend.UnregisterBufferAsync(address, 4096);
        return StormOutcome.Done;
    }

    private async Task<StormOutcome> RefuseLimitsAsync(BlockBackend backend, string? groupName)
    {
        ThrottleGroup? before = backend.ThrottleGroup;
        try
        {
            await backend.LimitAsync(new ThrottleConfig { IopsSizeBytes = 512 }, groupName);
            world.Expect("limits that contradict one another were taken");
        }
        catch (BlockException)
        {
            world.Expect(ReferenceEquals(backend.ThrottleGroup, before) ? null : "a refusal of limits has changed the group");
        }

        return StormOutcome.Refused;
    }
}
