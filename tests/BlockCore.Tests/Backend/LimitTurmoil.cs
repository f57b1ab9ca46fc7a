using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.Scheduling;
using BlockGraph.BlockCore.Throttling;
using BlockGraph.TestKit;
using static BlockGraph.BlockCore.Tests.Throttling.ThrottleWorld;

namespace BlockGraph.BlockCore.Tests.Backend;

/// <summary>Two devices, requests from four contexts, and limits, groups, homes, submitters and drains that change at random moments. Then everything is closed.</summary>
internal sealed class LimitTurmoil(GraphFixture fixture, int seed)
{
    private const int RequestCount = 25;
    private const int ChangeCount = 15;
    private const long Ms = 1_000_000;
    private readonly List<BlockBackend> _backends = [];
    private AioContext[] _contexts = [];
    private int _startedCount;
    private int _cancelledCount;

    public async Task PlayAsync()
    {
        _contexts = [fixture.Context, fixture.World.CreateContext("one"), fixture.World.CreateContext("two"), fixture.World.CreateContext("three")];
        for (int i = 0; i < 2; i++)
        {
            _backends.Add(await fixture.OpenAsync($"driver=shared,zeroes=on,any-context={(seed % 2 == 0 ? "on" : "off")}", new BackendOptions { Name = $"drive-{i}" }));
        }

        List<Task> actors = [];
        for (int i = 0; i < _contexts.Length; i++)
        {
            SeededRandom chance = new((ulong)((seed * 100) + i));
            AioContext home = _contexts[i];
            actors.Add(home.RunAsync(() => WorkAsync(home, chance)));
        }

        actors.Add(ChangeAsync(new SeededRandom((ulong)((seed * 100) + 50))));
        actors.Add(ChangeAsync(new SeededRandom((ulong)((seed * 100) + 51))));
        await Task.WhenAll(actors);
        Assert.That(_startedCount + _cancelledCount, Is.EqualTo(RequestCount * _contexts.Length), $"seed {seed}: all are accounted for");
        foreach (BlockBackend backend in _backends)
        {
            Assert.That(backend.InFlightCount, Is.Zero, $"seed {seed}: nothing flies");
            ThrottleGroup? group = backend.ThrottleGroup;
            Assert.That(group is null ? 0 : group.PendingCount(ThrottleDirection.Read) + group.PendingCount(ThrottleDirection.Write), Is.Zero, $"seed {seed}: nothing waits");
            await backend.DisposeAsync();
        }
    }

    private async Task WorkAsync(AioContext home, SeededRandom chance)
    {
        List<Task> flying = [];
        for (int i = 0; i < RequestCount; i++)
        {
            await home.DelayAsync(chance.NextLong(2 * Ms));
            flying.Add(RequestAsync(home, _backends[chance.Next(2)], chance));
            if (chance.OneIn(4))
            {
                await Task.WhenAll(flying);
            }
        }

        await Task.WhenAll(flying);
    }

    private async Task RequestAsync(AioContext home, BlockBackend backend, SeededRandom chance)
    {
        using CancellationTokenSource cancel = new();
        int kind = chance.Next(4);
        long cancelAfterNs = chance.OneIn(4) ? chance.NextLong(20 * Ms) : -1;
        Task canceller = cancelAfterNs < 0 ? Task.CompletedTask : CancelAsync(home, cancel, cancelAfterNs);
        try
        {
            await (kind switch
            {
                0 => backend.ReadAsync(0, new byte[1 + chance.Next(600)], cancel: cancel.Token),
                1 => backend.WriteAsync(0, new byte[1 + chance.Next(600)], cancel: cancel.Token),
                2 => backend.WriteZeroesAsync(0, 4096, cancel: cancel.Token),
                _ => backend.FlushAsync(cancel.Token),
            });
            Interlocked.Increment(ref _startedCount);
        }
        catch (OperationCanceledException)
        {
            Interlocked.Increment(ref _cancelledCount);
        }

        Assert.That(home.IsHome, Is.True, $"seed {seed}: it goes on where it was made");
        await canceller;
    }

    private static async Task CancelAsync(AioContext home, CancellationTokenSource cancel, long afterNs)
    {
        await home.DelayAsync(afterNs);
        Cancel(cancel);
    }

    // Here and now: what happens on a thread of the pool would not be the seed's.
    private static void Cancel(CancellationTokenSource cancel) => cancel.Cancel();

    private async Task ChangeAsync(SeededRandom chance)
    {
        for (int i = 0; i < ChangeCount; i++)
        {
            await fixture.Context.DelayAsync(chance.NextLong(8 * Ms));
            BlockBackend backend = _backends[chance.Next(2)];
            AioContext context = _contexts[chance.Next(_contexts.Length)];
            switch (chance.Next(8))
            {
                case 0:
                    await backend.LimitAsync(ThrottleConfig.Unlimited);
                    break;
                case 1:
                    await backend.MoveAsync(context);
                    break;
                case 2:
                    await backend.AddSubmitterAsync(context);
                    break;
                case 3 when backend.Context != context:
                    await backend.RemoveSubmitterAsync(context);
                    break;
                case 4:
                    await using (await backend.DrainAsync())
                    {
                        await fixture.Context.DelayAsync(chance.NextLong(4 * Ms));
                    }

                    break;
                default:
                    await backend.LimitAsync(Limits(("iops-total", 50 + chance.Next(2000))), chance.Next(3) switch { 0 => "a", 1 => "b", _ => null });
                    break;
            }
        }
    }
}
