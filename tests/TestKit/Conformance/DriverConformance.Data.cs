using System.Globalization;
using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Io;
using NUnit.Framework;

namespace BlockGraph.TestKit.Conformance;

/// <content>Bytes: what is written is read, and what is said of a range is so.</content>
public abstract partial class DriverConformance
{
    /// <summary>Random requests of every kind, anywhere, with every flag, one after the other and then several at once.</summary>
    [Test]
    public void Reads_return_what_was_written([Range(1, SeedCount)] int seed) => RunEach(seed, async world =>
    {
        await new Workload(world, 0, world.Model.Length).RunAsync(40);
        world.Model.Flushed();
        await world.RequireContentsAsync("after requests one by one");

        // No part begins or ends at a boundary of anything: neighbours meet in one block.
        const int PartCount = 5;
        int part = (world.Model.Length / PartCount) | 1;
        await Task.WhenAll(Enumerable.Range(0, PartCount).Select(i => new Workload(world, i * part, Math.Min(part, world.Model.Length - (i * part))).RunAsync(12)));
        await world.RequireContentsAsync("after requests at the same time");
    });

    /// <summary>Zero writes of every kind zero their range, all of it and no more.</summary>
    [Test]
    public void Zero_writes_read_as_zeros([Range(1, SeedCount)] int seed) => RunEach(seed, async world =>
    {
        Workload workload = new(world, 0, world.Model.Length);
        await workload.WriteAsync(0, world.Model.Length, RequestFlags.None);
        foreach (int unit in new[] { 1, 512, 4096, 16384 })
        {
            foreach (RequestFlags flags in new[] { RequestFlags.None, RequestFlags.MayUnmap, RequestFlags.NoFallback, RequestFlags.Fua })
            {
                int offset = world.Chance.Next(world.Model.Length / unit) * unit;
                await workload.ZeroAsync(offset, Math.Min(unit * (1 + world.Chance.Next(3)), world.Model.Length - offset), flags);
                await world.RequireContentsAsync($"after a zero write {flags}");
            }
        }
    });

    /// <summary>A discarded range holds what it held, or zeros, from then on; its neighbours hold what they held.</summary>
    [Test]
    public void A_discard_leaves_the_old_bytes_or_zeros([Range(1, SeedCount)] int seed) => RunEach(seed, async world =>
    {
        Workload workload = new(world, 0, world.Model.Length);
        await workload.WriteAsync(0, world.Model.Length, RequestFlags.None);
        for (int i = 0; i < 8; i++)
        {
            int offset = world.Chance.Next(world.Model.Length);
            await workload.DiscardAsync(offset, Math.Min(world.Chance.Next(30_000), world.Model.Length - offset));
            await world.RequireContentsAsync("after a discard");
        }

        await workload.WriteAsync(100, 50_000, RequestFlags.None);
        await world.RequireContentsAsync("after writing where it was discarded");
    });

    /// <summary>What the status of a range says is what reads show: zeros are zeros, and what lies somewhere lies there.</summary>
    [Test]
    public void Status_says_what_reads_show([Range(1, SeedCount)] int seed) => RunEach(seed, async world =>
    {
        for (int round = 0; round < 4; round++)
        {
            foreach (BlockStatusQuery wanted in new[] { BlockStatusQuery.Everything, BlockStatusQuery.Allocation, BlockStatusQuery.Zeroes })
            {
                await RequireStatusAsync(world, wanted);
            }

            await new Workload(world, 0, world.Model.Length).RunAsync(6);
            world.Model.Flushed();
        }
    });

    /// <summary>Another length is given or refused; what lies before both ends stays, and what is new is zeros.</summary>
    [Test]
    public void A_change_of_length_keeps_the_rest([Range(1, SeedCount)] int seed)
    {
        foreach (int change in new[] { 4096, 30_000 / 512 * 512, -8192 })
        {
            Run(new ConformanceSetting(seed, AlignmentBytes: 512), async world =>
            {
                await world.OpenAsync(new BackendOptions { CanResize = true });
                Workload workload = new(world, 0, world.Model.Length);
                await workload.WriteAsync(0, world.Model.Length, RequestFlags.None);
                byte[] before = await world.ReadAllAsync();
                bool isChanged = await Failure.IsDoneAsync(() => world.Backend.TruncateAsync(before.Length + change));
                byte[] after = await world.ReadAllAsync();
                Requirement.Check(
                    after.Length == (isChanged ? before.Length + change : before.Length),
                    $"a length of {after.Length} after {(isChanged ? "" : "a refused ")}change by {change}");
                if (KeepsData)
                {
                    int kept = Math.Min(before.Length, after.Length);
                    Requirement.Check(after.AsSpan(0, kept).SequenceEqual(before.AsSpan(0, kept)), $"a change of length by {change} changed what was there");
                    Requirement.Check(
                        !world.Subject.Instance.IsZeroWhenNew || after.AsSpan(kept).IndexOfAnyExcept((byte)0) < 0, $"what a change of length by {change} has added is not zeros");
                }

                await world.CloseAsync();
            });
        }
    }

    private async Task RequireStatusAsync(ConformanceWorld world, BlockStatusQuery wanted)
    {
        byte[] contents = await world.ReadAllAsync();
        for (long at = 0; at < contents.Length;)
        {
            BlockStatus status = await world.Backend.GetStatusAsync(at, contents.Length - at, wanted);
            string where = string.Create(CultureInfo.InvariantCulture, $"the status of {at}+{status.LengthBytes} ({status.Flags})");
            Requirement.Check(status.LengthBytes > 0 && status.LengthBytes <= contents.Length - at, $"{where} covers nothing, or too much");
            ReadOnlySpan<byte> bytes = contents.AsSpan((int)at, (int)status.LengthBytes);
            if (KeepsData && (status.Flags & BlockStatusFlags.Zero) != 0)
            {
                Requirement.Check(bytes.IndexOfAnyExcept((byte)0) < 0, $"{where} says zeros, and there is something else");
            }

            await RequireHostAsync(status, bytes.ToArray(), where);
            at += status.LengthBytes;
        }
    }

    // A host offset means that the bytes lie there as they are; of zeros, that they would.
    private async Task RequireHostAsync(BlockStatus status, byte[] bytes, string where)
    {
        if ((status.Flags & (BlockStatusFlags.OffsetValid | BlockStatusFlags.Zero)) != BlockStatusFlags.OffsetValid || status.HostChild is not BlockChild host || !KeepsData)
        {
            return;
        }

        byte[] there = new byte[bytes.Length];
        await host.ReadAsync(status.HostOffset, there, RequestFlags.None, CancellationToken.None);
        Requirement.Check(there.AsSpan().SequenceEqual(bytes), $"{where} points to {status.HostOffset} of '{host.Node.Name}', where other bytes are");
    }
}
