using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Io;
using NUnit.Framework;

namespace BlockGraph.TestKit.Conformance;

/// <summary>
/// What every filter must do. An author inherits it and is done:
/// <code>
///   public sealed class MyFilterConformance : FilterConformance&lt;MyFilterDriver&gt;
///   {
///   }
/// </code>
/// </summary>
/// <typeparam name="TDriver">The filter's driver.</typeparam>
public abstract class FilterConformance<TDriver> : LayerConformance
    where TDriver : BlockDriver, new()
{
    internal override byte[] InitialStorage => new byte[LengthBytes];

    /// <inheritdoc/>
    protected override BlockDriver CreateDriver() => new TDriver();

    /// <summary>A filter has its child's length, and shows its child's bytes as they are.</summary>
    [Test]
    public void A_filter_shows_its_child([Range(1, SeedCount)] int seed) => RunEach(seed, async world =>
    {
        Requirement.Check(world.Subject.Driver.Category == DriverCategory.Filter, $"the driver says that it is a {world.Subject.Driver.Category}");
        Requirement.Check(world.Subject.FilteredChild is not null, "the filter has no filtered child");
        Requirement.Check(
            world.Subject.LengthBytes == world.Subject.FilteredChild.LengthBytes,
            $"the filter has {world.Subject.LengthBytes} bytes, its child {world.Subject.FilteredChild.LengthBytes}");
        await new Workload(world, 0, world.Model.Length).WriteAsync(100, 60_000, RequestFlags.None);
        if (KeepsData)
        {
            Requirement.Same(world.Model.Difference(world.Disk.Storage.Bytes), "what the child holds");
        }
    });
}
