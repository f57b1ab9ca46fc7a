using System.Text.Json;

namespace BlockGraph.Tools.Tests;

[TestFixture]
public class DriversTests
{
    [Test]
    public void Every_driver_is_listed_by_name_kind_and_summary()
    {
        string text = ToolRun.Own("drivers").Out;
        foreach (string start in new[] { "file (protocol): ", "null-aio (protocol): ", "null-co (protocol): ", "raw (format): ", "throttle (filter): " })
        {
            Assert.That(text, Does.Contain(start));
        }
    }

    [Test]
    public void Options_have_type_help_default_and_what_else_matters()
    {
        string text = ToolRun.Own("drivers").Out;
        Assert.That(text, Does.Contain("  size                         size      the image's length in bytes (default 1G)\n"));
        Assert.That(text, Does.Contain("  filename                     string    the path (required)\n"));
        Assert.That(text, Does.Contain("  discard                      choice    pass discards on (ignore|off|unmap|on; default ignore)\n"));
        Assert.That(text, Does.Contain("  read-only                    on|off    open the storage read-only (default off)\n"));
        Assert.That(text, Does.Match("\n  limits.iops-total +integer +[^\n]+\n"));
    }

    [Test]
    public void One_driver_is_shown_by_name()
    {
        ToolRun run = ToolRun.Own("drivers", "raw");
        Assert.That(run.Out, Does.StartWith("raw (format): "));
        Assert.That(run.Out, Does.Not.Contain("null-co"));
        Assert.That(run.Out, Does.Contain("Every driver also takes:\n  driver "));
    }

    [Test]
    public void A_list_is_shown_with_the_options_of_its_elements()
    {
        string text = ToolRun.Own("drivers", "blkdebug").Out;
        Assert.That(text, Does.Contain("  inject-error                 list      rules that fail requests\n  inject-error.N.event         choice    "));
        Assert.That(text, Does.Contain("  take-child-perms.N           choice    "));
        Assert.That(ToolRun.Own("drivers", "quorum").Out, Does.Contain("  children                     children  "));
        using JsonDocument document = JsonDocument.Parse(ToolRun.Own("drivers", "blkdebug", "--json").Out);
        JsonElement list = document.RootElement.GetProperty("drivers")[0].GetProperty("options").EnumerateArray().Single(o => o.GetProperty("name").GetString() == "set-state");
        Assert.That(list.GetProperty("type").GetString(), Is.EqualTo("list"));
        Assert.That(list.GetProperty("element").EnumerateArray().Select(o => o.GetProperty("name").GetString()), Is.EqualTo(new[] { "event", "state", "new_state" }));
    }

    [Test]
    public void An_unknown_driver_is_an_error_with_a_suggestion()
    {
        ToolRun run = ToolRun.Own("drivers", "throtle");
        Assert.That(run.Error, Is.EqualTo("blockgraph: Unknown driver 'throtle' (did you mean 'throttle'?)\n"));
        Assert.That(run.ExitCode, Is.EqualTo(1));
    }

    [Test]
    public void Json_has_every_driver_and_the_common_options()
    {
        using JsonDocument document = JsonDocument.Parse(ToolRun.Own("drivers", "--json").Out);
        JsonElement driver = document.RootElement.GetProperty("drivers").EnumerateArray().Single(d => d.GetProperty("name").GetString() == "null-co");
        Assert.That(driver.GetProperty("kind").GetString(), Is.EqualTo("protocol"));
        JsonElement zeroes = driver.GetProperty("options").EnumerateArray().Single(o => o.GetProperty("name").GetString() == "read-zeroes");
        Assert.That(zeroes.GetProperty("type").GetString(), Is.EqualTo("boolean"));
        Assert.That(zeroes.GetProperty("default").GetString(), Is.EqualTo("off"));
        JsonElement discard = document.RootElement.GetProperty("common-options").EnumerateArray().Single(o => o.GetProperty("name").GetString() == "discard");
        Assert.That(discard.GetProperty("values").GetArrayLength(), Is.EqualTo(4));
        Assert.That(discard.GetProperty("type").GetString(), Is.EqualTo("enum"));
    }
}
