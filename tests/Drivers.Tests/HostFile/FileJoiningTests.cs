using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.Errors;
using BlockGraph.TestKit;

namespace BlockGraph.Drivers.Tests.HostFile;

/// <summary>Requests of one turn that are moved by one call: whatever fails, fails for whom it concerns, and for nobody else.</summary>
public sealed class FileJoiningTests() : FileDriverFixture("linux")
{
    private const int BlockBytes = 1024;
    private const int BlockCount = 200;

    [Test]
    public void Calls_that_fail_at_any_place_fail_their_own_requests_only([Range(1, 60)] int seed)
    {
        byte[] model = Pattern(BlockCount * BlockBytes, seed);
        string path = MakeFile("a.img", model);
        FaultyPlatform platform = new(Platform);
        GraphFixture world = AddWorld(new SimulationOptions { Seed = seed }, platform: platform);
        Random chance = new(seed);
        int jointCount = 0;
        int failureCount = 0;
        platform.Fault = (call, _) =>
        {
            jointCount += call == "joint" ? 1 : 0;
            if (call is "joint" or "read" or "write" && chance.Next(call == "joint" ? 3 : 12) == 0)
            {
                throw FaultyPlatform.Broken();
            }
        };
        world.Run(async () =>
        {
            await using BlockBackend backend = await OpenAsync(world.Graph, $"driver=raw,file.filename={path}");
            bool[] isUnknown = new bool[BlockCount];
            for (int round = 0; round < 6; round++)
            {
                failureCount += await RunRoundAsync(backend, model, isUnknown, chance);
            }

            platform.Fault = (_, _) => { };
        });
        Assert.That(jointCount, Is.GreaterThan(5), "joint calls");
        Assert.That(failureCount, Is.GreaterThan(0), "requests that failed");
    }

    [Test]
    public void Writes_that_rewrite_a_part_of_a_block_are_joined_with_no_other()
    {
        // Both read their blocks first, by one call, and write them at the same moment.
        string path = MakeFile("a.img", new byte[8 * BlockBytes]);
        FaultyPlatform platform = new(Platform) { AlignmentBytes = 512 };
        GraphFixture world = AddWorld(platform: platform);
        List<string> calls = [];
        world.Run(async () =>
        {
            await using BlockBackend backend = await OpenAsync(world.Graph, $"driver=file,filename={path}");
            platform.Fault = (call, _) => calls.Add(call);
            await Task.WhenAll(
                backend.WriteAsync(0, Enumerable.Repeat((byte)1, 700).ToArray()).AsTask(),
                backend.WriteAsync(1024 + 10, Enumerable.Repeat((byte)2, 700).ToArray()).AsTask());
            platform.Fault = (_, _) => { };
        });
        Assert.That(calls.Where(call => call is "joint" or "read" or "write"), Is.EqualTo(new[] { "joint", "write", "write" }), "the reads together, each write alone");
        byte[] bytes = File.ReadAllBytes(path);
        Assert.That((bytes[699], bytes[700], bytes[1033], bytes[1034], bytes[1733], bytes[1734]), Is.EqualTo(((byte)1, (byte)0, (byte)0, (byte)2, (byte)2, (byte)0)), "the edges of both");
    }

    // Each block once, read or written; a failed write leaves its block unknown, and nothing else.
    private static async Task<int> RunRoundAsync(BlockBackend backend, byte[] model, bool[] isUnknown, Random chance)
    {
        int failureCount = 0;
        await Task.WhenAll(Enumerable.Range(0, BlockCount).Select(async block =>
        {
            byte[] buffer = new byte[BlockBytes];
            bool isWrite = chance.Next(40) < 20 == (block / 10 % 2 == 0);
            if (isWrite)
            {
                buffer.AsSpan().Fill((byte)chance.Next(256));
            }

            try
            {
                await (isWrite ? backend.WriteAsync(block * BlockBytes, buffer) : backend.ReadAsync(block * BlockBytes, buffer));
            }
            catch (BlockException error) when (error.Message.Contains("Input/output error", StringComparison.Ordinal))
            {
                failureCount++;
                isUnknown[block] |= isWrite;
                return;
            }

            if (isWrite)
            {
                buffer.CopyTo(model, block * BlockBytes);
                isUnknown[block] = false;
            }
            else if (!isUnknown[block])
            {
                Assert.That(buffer.AsSpan().SequenceEqual(model.AsSpan(block * BlockBytes, BlockBytes)), $"block {block}");
            }
        }));
        return failureCount;
    }
}
