using System.Text.Json;
using BlockGraph.BlockCore.Throttling;

namespace BlockGraph.BlockCore.Tests.Throttling;

/// <summary>Pins who starts when, to the nanosecond, by vectors that were compared with the real thing in virtual time.</summary>
[TestFixture]
public sealed class ThrottleVectorTests
{
    public static IEnumerable<TestCaseData> Vectors()
    {
        using Stream stream = typeof(ThrottleVectorTests).Assembly.GetManifestResourceStream("throttle-vectors.json")!;
        using JsonDocument document = JsonDocument.Parse(stream);
        foreach (JsonElement vector in document.RootElement.EnumerateArray())
        {
            yield return new TestCaseData(vector.Clone()).SetArgDisplayNames(vector.GetProperty("name").GetString()!);
        }
    }

    [TestCaseSource(nameof(Vectors))]
    public void Requests_start_at_the_instants_and_in_the_order_of_the_vector(JsonElement vector)
    {
        using ThrottleWorld world = Play(vector, isSpread: false);

        Assert.That(world.AdmittedAtNs, Is.EqualTo(Longs(vector, "admitted_at_ns")), "the instants");
        Assert.That(world.Order, Is.EqualTo(Longs(vector, "admission_order")), "the order");
    }

    [TestCaseSource(nameof(Vectors))]
    public void Members_in_contexts_of_their_own_start_at_the_same_instants(JsonElement vector)
    {
        using ThrottleWorld world = Play(vector, isSpread: true);

        // Who comes first among contexts at one instant is the scheduler's choice; how much is admitted when is not.
        Assert.That(world.AdmittedAtNs.Order(), Is.EqualTo(Longs(vector, "admitted_at_ns").Order()), "the instants");
    }

    [Test]
    public void There_are_fifteen_vectors() => Assert.That(Vectors().Count(), Is.EqualTo(15));

    private static ThrottleWorld Play(JsonElement vector, bool isSpread)
    {
        ThrottleLimitsUpdate update = new();
        foreach (JsonProperty limit in vector.GetProperty("limits").EnumerateObject())
        {
            update[limit.Name] = limit.Value.GetInt64();
        }

        ThrottleWorld world = new(ThrottleConfig.Unlimited.Merge(update), vector.GetProperty("members").GetInt32(), isSpread);
        foreach (JsonElement request in vector.GetProperty("requests").EnumerateArray())
        {
            world.Submit(
                world.Members[request.GetProperty("member").GetInt32()],
                request.GetProperty("t_ns").GetInt64(),
                request.GetProperty("kind").GetString() == "read" ? ThrottleDirection.Read : ThrottleDirection.Write,
                request.GetProperty("bytes").GetInt64());
        }

        world.Run();
        return world;
    }

    private static long[] Longs(JsonElement vector, string name) => [.. vector.GetProperty(name).EnumerateArray().Select(value => value.GetInt64())];
}
