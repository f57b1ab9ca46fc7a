using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.Scheduling;
using BlockGraph.BlockCore.Tests.Graph;
using BlockGraph.TestKit;

namespace BlockGraph.BlockCore.Tests.Backend;

/// <summary>What tests of backends share.</summary>
public abstract class BackendTests : GraphTests
{
    /// <summary>A backend over storage whose requests the test completes by hand.</summary>
    protected Task<BlockBackend> OpenScriptedAsync(BackendOptions? options = null) => Fixture.OpenAsync("driver=scripted", options);

    /// <summary>A backend over the storage <c>disk</c>, in memory.</summary>
    protected Task<BlockBackend> OpenMemoryAsync(BackendOptions? options = null) => Fixture.OpenAsync("driver=memory,filename=disk,node-name=n,discard=unmap", options);

    protected MemoryStorage Disk => Fixture.Memory.Storage("disk");

    protected VirtualTimeAioContext CreateContext(string name) => Fixture.World.CreateContext(name);

    /// <summary>Lets everything happen that can, in whatever context.</summary>
    protected async Task SettleAsync()
    {
        for (int i = 0; i < 50; i++)
        {
            await Fixture.Context.YieldAsync();
        }
    }
}
