using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Options;
using Microsoft.Extensions.DependencyInjection;

namespace BlockGraph.Drivers.Tests.Opening;

/// <summary>Every driver's folder has a page whose table of options is the schema's.</summary>
[TestFixture]
public sealed class DriverPageTests
{
    [Test]
    public void Every_driver_is_registered_and_has_a_page_with_its_options()
    {
        ServiceCollection services = new();
        services.AddBlockDrivers();
        using ServiceProvider provider = services.BuildServiceProvider();
        BlockDriver[] drivers = [.. provider.GetServices<BlockDriver>()];
        Assert.That(drivers.Select(d => d.Name), Is.EqualTo(new[] { "file", "host_device", "null-co", "null-aio", "raw", "luks", "qcow2", "throttle", "preallocate", "blkdebug", "blkverify", "copy-on-read", "quorum" }), "the drivers of this library");
        foreach (BlockDriver driver in drivers)
        {
            string page = PageOf(driver);
            string[] rows = [.. File.ReadLines(page).SkipWhile(line => !line.StartsWith("| option |", StringComparison.Ordinal)).Skip(2).TakeWhile(line => line.Length > 0)];
            Assert.That(rows, Is.EqualTo(driver.Options.Spelled.Select(RowOf)), $"the table in {page}");
            Assert.That(File.ReadLines(page).First(), Does.StartWith("# ").And.Contain(driver.Name), $"the title of {page}");
        }
    }

    [Test]
    public void Every_driver_says_what_it_is_in_one_line()
    {
        ServiceCollection services = new();
        services.AddBlockDrivers();
        using ServiceProvider provider = services.BuildServiceProvider();
        foreach (BlockDriver driver in provider.GetServices<BlockDriver>())
        {
            Assert.That(driver.Summary, Is.Not.Empty.And.Not.Contains("\n"), driver.Name);
            Assert.That(driver.Options.Spelled.Select(o => o.Help), Is.All.Not.Empty, $"the options of {driver.Name}");
        }
    }

    private static string RowOf(OptionDefinition option) =>
        $"| `{option.Name}` | {option.Type} | {(option.IsRequired ? "required" : option.Default)} | {option.Help} |".Replace("|  |", "| |", StringComparison.Ordinal);

    /// <summary>The folder follows from the namespace.</summary>
    private static string PageOf(BlockDriver driver)
    {
        DirectoryInfo? root = new(AppContext.BaseDirectory);
        while (root is not null && !File.Exists(Path.Combine(root.FullName, "BlockGraph.sln")))
        {
            root = root.Parent;
        }

        Assert.That(root, Is.Not.Null, "the tests run inside the source tree");
        string[] parts = driver.GetType().Namespace!.Split('.');
        return Path.Combine([root!.FullName, "src", "Drivers", .. parts[2..], "README.md"]);
    }
}
