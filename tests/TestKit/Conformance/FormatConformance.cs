using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Io;
using BlockGraph.BlockCore.Options;
using BlockGraph.BlockCore.Transactions;
using NUnit.Framework;

namespace BlockGraph.TestKit.Conformance;

/// <summary>
/// What every format must do. An author inherits it and says how an image is made:
/// <code>
///   public sealed class MyFormatConformance : FormatConformance&lt;MyFormatDriver&gt;
///   {
///       protected override byte[] MakeImage(long lengthBytes) => MyImage.Format(lengthBytes);
///   }
/// </code>
/// </summary>
/// <typeparam name="TDriver">The format's driver.</typeparam>
public abstract class FormatConformance<TDriver> : LayerConformance
    where TDriver : BlockDriver, new()
{
    private const string NoBacking = "the driver has no backing files";
    private const string Backing = "backing.driver=memory,backing.filename=backing";

    // Where the backing node of the checks ends: inside of whatever a format divides an image into.
    private int BackingBytes => (LengthBytes * 3 / 5 / 512 * 512) + 512;

    /// <summary>How many bytes at an image's beginning are damaged, one after the other.</summary>
    protected virtual int HeaderBytes => 512;

    /// <summary>True where damage to the byte at <paramref name="offset"/> may ask for seconds of work, which the format allows: the format's own tests hold what it may ask for.</summary>
    protected virtual bool MayCostSeconds(int offset) => false;

    internal override byte[] InitialStorage => MakeImage(LengthBytes);

    /// <summary>The bytes of an empty image that is <paramref name="lengthBytes"/> long.</summary>
    protected abstract byte[] MakeImage(long lengthBytes);

    /// <inheritdoc/>
    protected override BlockDriver CreateDriver() => new TDriver();

    /// <summary>An image is recognised by its first bytes, and nothing else is.</summary>
    [Test]
    public void The_format_is_recognised()
    {
        BlockDriver driver = CreateDriver();
        byte[] image = InitialStorage;
        Requirement.Check(driver.Category == DriverCategory.Format, $"the driver says that it is a {driver.Category}");
        Requirement.Check(driver.Probe(image.AsSpan(0, Math.Min(image.Length, DriverRegistry.ProbeBytes))) > 0, "the driver does not recognise its own image");
        Requirement.Check(driver.Probe(new byte[DriverRegistry.ProbeBytes]) < BlockDriver.ProbeScoreSignature, "the driver takes zeros for an image");
        Requirement.Check(driver.Probe([]) < BlockDriver.ProbeScoreSignature, "the driver takes nothing for an image");
    }

    /// <summary>What was not written is what the backing node has, then zeros; and nothing of what is written reaches it.</summary>
    [Test]
    public void A_backing_node_shows_where_nothing_was_written([Range(1, SeedCount)] int seed) => RunOverBacking(seed, async (world, backing) =>
    {
        await new Workload(world, 0, world.Model.Length).RunAsync(40);
        await world.RequireContentsAsync("over a backing node");
        Requirement.Check(world.Fixture.Memory.Storage("backing").Bytes.AsSpan().SequenceEqual(backing), "the backing node was written");
    });

    /// <summary>Small first writes at the same time, side by side: each keeps its bytes, and what lies between them stays.</summary>
    [Test]
    public void First_writes_of_one_place_keep_each_other([Range(1, SeedCount)] int seed) => RunOverBacking(seed, async (world, _) =>
    {
        for (int round = 0; round < 4; round++)
        {
            List<Task> writes = [];
            int offset = world.Chance.Next(world.Model.Length / 2);
            while (writes.Count < 12 && offset < world.Model.Length - 700)
            {
                int size = 1 + world.Chance.Next(600);
                Workload workload = new(world, 0, 0);
                writes.Add(world.Chance.OneIn(4) ? workload.ZeroAsync(offset, size, RequestFlags.None) : workload.WriteAsync(offset, size, RequestFlags.None));
                offset += size + world.Chance.Next(50);
            }

            await Task.WhenAll(writes);
            await world.RequireContentsAsync("after first writes at the same time");
            world.Model.Flushed();
        }
    });

    /// <summary>What an image grows by reads as zeros, however long its backing node is.</summary>
    [Test]
    public void What_an_image_grows_by_hides_the_backing_node([Range(1, SeedCount)] int seed)
    {
        RequireBacking();
        foreach (int shortBytes in new[] { 10_240, 20_480 - 512 })
        {
            Run(new ConformanceSetting(seed) { Storage = MakeImage(shortBytes) }, async world =>
            {
                byte[] backing = MakeBacking(world);
                await world.OpenAsync(new BackendOptions { CanResize = true }, Backing);
                if (await IsGrownAsync(world, 50_176))
                {
                    byte[] contents = await world.ReadAllAsync();
                    Requirement.Check(contents.AsSpan(0, shortBytes).SequenceEqual(backing.AsSpan(0, shortBytes)), "what was there has changed");
                    Requirement.Check(contents.AsSpan(shortBytes).IndexOfAnyExcept((byte)0) < 0, "what is new shows the backing node");
                }

                await world.CloseAsync();
            });
        }
    }

    /// <summary>When nodes between an image and the bottom of its chain go, its header names the bottom, and leads there when it is opened again.</summary>
    [Test]
    public void The_header_names_what_is_left_below()
    {
        RequireBacking();
        bool isSupported = true;
        Run(new ConformanceSetting(1), async world =>
        {
            byte[] bottom = await BuildChainAsync(world);
            isSupported = await IsDroppedAsync(world);
            if (isSupported)
            {
                foreach (string name in new[] { "top", "middle", "bottom" }.Where(n => world.Graph.FindNode(n) is not null))
                {
                    await world.Graph.RemoveNodeAsync(name);
                }

                OptionsDictionary options = new() { { "driver", DriverName }, { "file.driver", "memory" }, { "file.filename", "top" } };
                await using BlockBackend again = await world.Graph.OpenAsync(options);
                byte[] contents = new byte[again.LengthBytes];
                await again.ReadAsync(0, contents);
                Requirement.Check(contents.AsSpan().SequenceEqual(bottom), "the image, opened again, is not what the bottom of its chain has");
            }
            else
            {
                await world.Graph.RemoveNodeAsync("top");
                await world.Graph.RemoveNodeAsync("middle");
                await world.Graph.RemoveNodeAsync("bottom");
            }
        });
        if (!isSupported)
        {
            Assert.Ignore("the driver cannot change the backing name in a header");
        }
    }

    /// <summary>An image with any byte of its header damaged, or cut off anywhere, is refused with words, or opens; nothing else happens, and nothing is left.</summary>
    [Test]
    public void A_damaged_image_is_refused_or_read()
    {
        byte[] image = InitialStorage;
        foreach (int at in Enumerable.Range(0, Math.Min(HeaderBytes, image.Length)).Where(at => !MayCostSeconds(at)))
        {
            foreach (byte damage in (byte[])[0xFF, 0x01, 0x80])
            {
                byte[] damaged = (byte[])image.Clone();
                damaged[at] ^= damage;
                OpenDamaged(damaged, $"byte {at} ^ 0x{damage:x2}");
            }
        }

        foreach (int length in (int[])[0, 1, 511, 512, 513, image.Length / 2, image.Length - 1])
        {
            OpenDamaged(image[..Math.Clamp(length, 0, image.Length)], $"the first {length} bytes");
        }
    }

    /// <summary>After any number of requests a check finds nothing wrong.</summary>
    [Test]
    public void A_check_finds_nothing_wrong([Range(1, SeedCount)] int seed)
    {
        bool isSupported = true;
        RunEach(seed, async world =>
        {
            await new Workload(world, 0, world.Model.Length).RunAsync(40);
            isSupported = await CheckAsync(world) is { } result;
            Requirement.Check(!isSupported || await CheckAsync(world) is { IsClean: true }, $"a check finds {await CheckAsync(world)}");
        });
        if (!isSupported)
        {
            Assert.Ignore("the driver has nothing to check");
        }
    }

    private protected override Task OpenOverContentsAsync(ConformanceWorld world)
    {
        if (!CreateDriver().SupportsBacking)
        {
            return base.OpenOverContentsAsync(world);
        }

        MakeBacking(world);
        return world.OpenAsync(more: Backing);
    }

    private protected override async Task RequireSoundAsync(ConformanceWorld world, string when)
    {
        ImageCheck? result = await CheckAsync(world);
        Requirement.Check(result is null || result.CorruptionCount == 0, $"{when} a check finds {result?.CorruptionCount} errors");
    }

    private static async Task<ImageCheck?> CheckAsync(ConformanceWorld world)
    {
        try
        {
            return await world.Backend.CheckAsync();
        }
        catch (BlockException error) when (error.Kind == BlockErrorKind.NotSupported)
        {
            return null;
        }
    }

    private void RequireBacking()
    {
        if (!CreateDriver().SupportsBacking)
        {
            Assert.Ignore(NoBacking);
        }
    }

    private void RunOverBacking(int seed, Func<ConformanceWorld, byte[], Task> check)
    {
        RequireBacking();
        foreach (ConformanceSetting setting in Settings(seed))
        {
            Run(setting, async world =>
            {
                byte[] backing = MakeBacking(world);
                await world.OpenAsync(more: Backing + ",backing.latency-ns-max=20000");
                byte[] expected = [.. backing, .. new byte[world.Model.Length - backing.Length]];
                Requirement.Check(world.Model.Difference(expected) is null, "an empty image does not show its backing node, and zeros beyond its end");
                await check(world, backing);
                await world.CloseAsync();
            });
        }
    }

    // A pattern that is nowhere zero.
    private byte[] MakeBacking(ConformanceWorld world)
    {
        byte[] bytes = [.. Enumerable.Range(0, BackingBytes).Select(i => unchecked((byte)(1 + (((i * 7) + (i >> 8)) % 255))))];
        world.Fixture.Memory.Storage("backing").Replace((byte[])bytes.Clone());
        return bytes;
    }

    private static async Task<bool> IsGrownAsync(ConformanceWorld world, long lengthBytes)
    {
        try
        {
            await world.Backend.TruncateAsync(lengthBytes);
            return true;
        }
        catch (BlockException)
        {
            return false;
        }
    }

    // top -> middle -> bottom, each an image of the format in memory; the bottom is full of data.
    private async Task<byte[]> BuildChainAsync(ConformanceWorld world)
    {
        string? below = null;
        byte[] contents = [.. Enumerable.Range(0, LengthBytes).Select(i => unchecked((byte)(1 + (i % 251))))];
        foreach (string name in new[] { "bottom", "middle", "top" })
        {
            world.Fixture.Memory.Storage(name).Replace(MakeImage(LengthBytes));
            OptionsDictionary options = new() { { "driver", DriverName }, { "node-name", name }, { "file.driver", "memory" }, { "file.filename", name } };
            if (below is not null)
            {
                options["backing"] = below;
            }

            BlockNode node = await world.Graph.AddNodeAsync(options);
            if (below is null)
            {
                await using BlockBackend writer = await world.Graph.AttachBackendAsync(node);
                await writer.WriteAsync(0, contents);
            }

            below = name;
        }

        return contents;
    }

    private static async Task<bool> IsDroppedAsync(ConformanceWorld world)
    {
        try
        {
            await world.Graph.ApplyAsync(GraphEdit.DropIntermediate(world.Graph.FindNode("middle")!, world.Graph.FindNode("bottom")!));
            return true;
        }
        catch (BlockException error) when (error.Kind == BlockErrorKind.NotSupported)
        {
            return false;
        }
    }

    private void OpenDamaged(byte[] storage, string damage) => Run(new ConformanceSetting(1, LatencyNsMax: 0) { Storage = storage, OptionText = "read-only=on" }, async world =>
    {
        try
        {
            await world.OpenAsync();
        }
        catch (BlockException error)
        {
            Requirement.Check(error.Message.Length > 0, $"{damage}: refused without a word");
        }

        await world.CloseAsync();
        world.RequireNothingLeft(damage);
    });
}
