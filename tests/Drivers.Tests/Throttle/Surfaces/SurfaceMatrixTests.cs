using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Options;
using BlockGraph.BlockCore.Throttling;
using BlockGraph.Qapi.Options;

namespace BlockGraph.Drivers.Tests.Throttle.Surfaces;

/// <summary>Every cell of <c>surfaces.md</c>: the text to the letter, and nothing changed by an error.</summary>
[TestFixture]
public sealed class SurfaceMatrixTests
{
    private static readonly SurfaceMatrix s_matrix = SurfaceMatrix.Read();
    private static readonly string[] s_sections = ["Validation", "Settings", "Life cycle"];

    private static IEnumerable<TestCaseData> ValidationCells => Tried("Validation");

    private static IEnumerable<TestCaseData> SettingCells => Tried("Settings");

    private static IEnumerable<TestCaseData> LifeCycleCells => Tried("Life cycle");

    [TestCase("Validation", 12 * 64)]
    [TestCase("Settings", 12 * 37)]
    [TestCase("Life cycle", 12 * 19)]
    public void Every_cell_is_a_test_or_a_reason(string section, int countMin)
    {
        SurfaceCell[] cells = [.. s_matrix.Cells(section)];
        Assert.That(cells, Has.Length.GreaterThanOrEqualTo(countMin), "the file was read");
        Assert.That(cells.Select(Fault).OfType<string>(), Is.Empty, "cells that are neither");
    }

    [Test]
    public void No_input_is_there_twice()
    {
        string[] names = [.. s_sections.SelectMany(s_matrix.Rows).Select(row => row.Values.First())];
        Assert.That(names, Is.Unique, "the names of rows");
    }

    [Test]
    public void Every_text_and_every_reason_is_used()
    {
        HashSet<string> used = [.. s_sections.SelectMany(s_matrix.Cells).Select(cell => cell.Content)];
        Assert.That(s_matrix.Rows("Texts").Concat(s_matrix.Rows("Reasons")).Select(row => row["name"]).Where(name => !used.Contains(name)), Is.Empty, "names that no cell has");
    }

    [TestCaseSource(nameof(ValidationCells))]
    public void Validation(string row, string surface)
    {
        SurfaceCell cell = s_matrix.Cells("Validation").Single(cell => cell.RowName == row && cell.Surface == surface);
        IThrottleSurface place = ThrottleSurfaces.Find(surface)!;
        OptionValue given = JsonOptions.ParseValue(cell.Row["given"]);
        ThrottleConfig inForce = LimitsText.Config(cell.Row["in force"]);
        using SurfaceWorld world = new(ProfileOf(cell));
        world.Run(async () =>
        {
            await place.BeginAsync(world);
            if (place.NeedsGroup || cell.Row["in force"].Length > 0)
            {
                await place.PrepareAsync(world, inForce);
            }

            await TryAsync(cell, place, world, () => place.ApplyAsync(world, SurfaceWorld.GroupName, given));
            if (cell.Content == "ok")
            {
                Assert.That(world.Group.Config, Is.EqualTo(place.After(inForce, LimitsText.Update(given))), "what was in force, and what was given over it");
            }
        });
    }

    [TestCaseSource(nameof(SettingCells))]
    public void Settings(string row, string surface)
    {
        SurfaceCell cell = s_matrix.Cells("Settings").Single(cell => cell.RowName == row && cell.Surface == surface);
        IThrottleSettingSurface place = (IThrottleSettingSurface)ThrottleSurfaces.Find(surface)!;
        OptionsDictionary given = JsonOptions.Parse(cell.Row["given"]);
        string there = cell.Row["there"];
        using SurfaceWorld world = new(ProfileOf(cell));
        world.Run(async () =>
        {
            await world.AddObjectAsync("throttle-group,id=p");
            await world.AddObjectAsync("throttle-group,id=q");
            await place.BeginAsync(world);
            if (place.NeedsGroup || there.Length > 0)
            {
                await place.PrepareAsync(world, ThrottleConfig.Unlimited, there.Length == 0 ? null : JsonOptions.Parse(there).GetText("parent"));
            }

            await TryAsync(cell, place, world, () => place.ApplySettingsAsync(world, SurfaceWorld.GroupName, given));
            if (cell.Content == "ok")
            {
                Assert.That(given.Flatten().Select(setting => world.Setting(place, setting.Key)), Is.EqualTo(given.Flatten().Select(setting => setting.Value.AsText)), "each as it was given");
            }
        });
    }

    [TestCaseSource(nameof(LifeCycleCells))]
    public void Life_cycle(string row, string surface)
    {
        SurfaceCell cell = s_matrix.Cells("Life cycle").Single(cell => cell.RowName == row && cell.Surface == surface);
        string number = row[..row.IndexOf(' ', StringComparison.Ordinal)];
        IThrottleSurface place = ThrottleSurfaces.Find(surface)!;
        using SurfaceWorld world = new(ProfileOf(cell));
        world.Run(async () =>
        {
            SurfaceLifeCycle life = new(world, place);
            await place.BeginAsync(world);
            await life.ArrangeAsync(number);
            await TryAsync(cell, place, world, () => life.ActAsync(number));
            if (cell.Content == "ok")
            {
                life.CheckDone(number);
            }
        });
    }

    private static async Task TryAsync(SurfaceCell cell, IThrottleSurface place, SurfaceWorld world, Func<Task> act)
    {
        string before = world.Snapshot();
        string outcome = "ok";
        try
        {
            await act();
        }
        catch (BlockException error)
        {
            outcome = error.Message;
        }

        Assert.That(outcome, Is.EqualTo(cell.Content == "ok" ? "ok" : s_matrix.Text(cell.Content, place)), "what the place says");
        if (outcome != "ok")
        {
            Assert.That(world.Snapshot(), Is.EqualTo(before), "nothing has changed");
        }
    }

    private static CompatibilityProfile ProfileOf(SurfaceCell cell) => cell.Row["profile"] == "qemu" ? CompatibilityProfile.Qemu : CompatibilityProfile.Own;

    private static IEnumerable<TestCaseData> Tried(string section) =>
        from cell in s_matrix.Cells(section)
        where !cell.Content.StartsWith('–')
        select new TestCaseData(cell.RowName, cell.Surface).SetArgDisplayNames(cell.RowName, cell.Surface);

    private static string? Fault(SurfaceCell cell)
    {
        string where = $"'{cell.RowName}' at '{cell.Surface}'";
        if (cell.Content.StartsWith('–'))
        {
            return s_matrix.IsReason(cell.Content) ? null : $"{where}: '{cell.Content}' is no reason";
        }

        IThrottleSurface? surface = ThrottleSurfaces.Find(cell.Surface);
        bool isTried = cell.Row.ContainsKey("there") ? surface is IThrottleSettingSurface : surface is not null;
        return surface is null || !isTried ? $"{where}: no class tries it"
            : cell.Content == "ok" || s_matrix.Text(cell.Content, surface) is not null ? null
            : $"{where}: there is no text '{cell.Content}'";
    }
}
