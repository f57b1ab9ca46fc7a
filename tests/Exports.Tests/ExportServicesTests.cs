using Microsoft.Extensions.DependencyInjection;

namespace BlockGraph.Exports.Tests;

/// <summary>The place where exports will be registered.</summary>
[TestFixture]
public sealed class ExportServicesTests
{
    [Test]
    public void There_is_no_export_yet_and_asking_for_them_is_harmless()
    {
        ServiceCollection services = new();
        Assert.That(services.AddBlockExports(), Is.SameAs(services), "the collection, to go on with");
        Assert.That(services, Is.Empty, "nothing is registered");
    }
}
