namespace BlockGraph.Tools.Tests;

/// <summary>Shows that <c>iotests/check</c> itself passes, fails and skips as it should, on scripts made up here.</summary>
[TestFixture]
internal sealed class IotestsCheckTests
{
    private string _folder = string.Empty;
    private string _kept = string.Empty;

    [SetUp]
    public void MakeScripts()
    {
        if (!IotestsRun.IsPossible(out string reason))
        {
            Assert.Ignore(reason);
        }

        _folder = Directory.CreateTempSubdirectory("iotests-check.").FullName;
        _kept = Directory.CreateDirectory(Path.Combine(_folder, "kept")).FullName;
        Script("says-hello", "quick", "echo hello", "hello\n");
        Script("says-where", "quick rw", "echo x >$TEST_DIR/file; echo $TEST_DIR | _filter", "SCRATCH\n");
    }

    [TearDown]
    public void RemoveScripts()
    {
        if (_folder.Length > 0)
        {
            Directory.Delete(_folder, recursive: true);
        }
    }

    [Test]
    public async Task What_matches_passes_and_leaves_nothing()
    {
        IotestsRun run = await CheckAsync();
        Assert.That(run.ExitCode, Is.Zero, run.Output);
        Assert.That(run.Lines[^1], Is.EqualTo("2 passed, 0 failed, 0 skipped"), run.Output);
        Assert.That(Directory.EnumerateFileSystemEntries(_kept), Is.Empty, "The scratch folders are gone.");
    }

    [Test]
    public async Task What_differs_fails_with_a_diff_and_keeps_its_folder()
    {
        Script("says-bye", "quick", "echo bye >note; echo bye", "hello\n");
        IotestsRun run = await CheckAsync();
        Assert.That(run.ExitCode, Is.EqualTo(1), run.Output);
        Assert.That(run.Lines[^1], Is.EqualTo("2 passed, 1 failed, 0 skipped"), run.Output);
        Assert.That(run.Lines, Does.Contain("-hello").And.Contain("+bye"), "A unified diff.");
        string note = Directory.GetFiles(_kept, "note", SearchOption.AllDirectories).Single();
        Assert.That(run.Output, Does.Contain(Path.GetDirectoryName(note)), "The folder is named.");
    }

    [TestCase("echo hello; exit 3", "exit code 3")]
    [TestCase("echo hello; sleep 60", "still running after 1 s")]
    [TestCase("_fail because", "exit code 1")]
    public async Task A_script_that_does_not_end_well_fails(string body, string reason)
    {
        Script("goes-wrong", "quick", body, "hello\n");
        IotestsRun run = await CheckAsync("goes-wrong");
        Assert.That(run.Lines[^1], Is.EqualTo("0 passed, 1 failed, 0 skipped"), run.Output);
        Assert.That(run.Output, Does.Contain(reason), "The report says why.");
    }

    [Test]
    public async Task A_script_without_expected_output_fails()
    {
        Script("says-more", "quick", "echo more", expected: null);
        IotestsRun run = await CheckAsync("says-more");
        Assert.That(run.ExitCode, Is.EqualTo(1), run.Output);
        Assert.That(run.Output, Does.Contain("--regenerate says-more"), "The report says how to make one.");
    }

    [TestCase("_notrun \"missing program: fio\"", "missing program: fio")]
    [TestCase("_supported_fmt qcow2 luks", "not for the format raw")]
    [TestCase("_supported_proto null", "not for the protocol file")]
    public async Task A_script_skips_with_its_reason(string body, string reason)
    {
        Script("is-choosy", "quick", $"{body}; echo never", "hello\n");
        IotestsRun run = await CheckAsync("is-choosy");
        Assert.That(run.ExitCode, Is.Zero, run.Output);
        Assert.That(run.Lines[^1], Is.EqualTo("0 passed, 0 failed, 1 skipped"), run.Output);
        Assert.That(run.Lines[^2], Does.EndWith($" s: {reason}"), "The report says why.");
    }

    [TestCase("-g rw", "says-where")]
    [TestCase("-x rw", "says-hello")]
    [TestCase("-g quick -x rw", "says-hello")]
    [TestCase("-g rw,quick", "says-hello says-where")]
    [TestCase("-g slow", "")]
    [TestCase("says-where", "says-where")]
    public async Task Groups_and_names_select(string arguments, string names)
    {
        IotestsRun run = await CheckAsync(["-n", .. arguments.Split(' ')]);
        Assert.That(run.Lines, Is.EqualTo(names.Split(' ', StringSplitOptions.RemoveEmptyEntries)), run.Output);
    }

    [Test]
    public async Task Scripts_run_side_by_side()
    {
        // Each waits for the other's sign: one at a time would never end.
        Script("first", "pair", "touch ../../first; until [ -e ../../second ]; do sleep 0.05; done; echo met", "met\n");
        Script("second", "pair", "touch ../../second; until [ -e ../../first ]; do sleep 0.05; done; echo met", "met\n");
        IotestsRun run = await CheckAsync(new Dictionary<string, string?> { ["IOTESTS_LIMIT_SECONDS"] = "60" }, "-j", "2", "-g", "pair");
        Assert.That(run.Lines[^1], Is.EqualTo("2 passed, 0 failed, 0 skipped"), run.Output);
    }

    [Test]
    public async Task Regenerate_writes_and_shows_the_output()
    {
        Script("says-more", "quick", "echo more", expected: null);
        IotestsRun run = await CheckAsync(new Dictionary<string, string?> { ["CI"] = null }, "--regenerate", "says-more");
        Assert.That(run.ExitCode, Is.Zero, run.Output);
        Assert.That(run.Lines, Does.Contain("+more"), "What it wrote is shown, to be read.");
        Assert.That(await File.ReadAllTextAsync(Path.Combine(_folder, "says-more.out")), Is.EqualTo("more\n"), "The expected output.");
    }

    [Test]
    public async Task A_format_has_its_own_output_where_there_is_one()
    {
        Script("says-format", "quick", "echo $IMGFMT", "raw\n");
        await File.WriteAllTextAsync(Path.Combine(_folder, "says-format.out.qcow2"), "qcow2\n");
        IotestsRun raw = await CheckAsync("-raw", "says-format");
        IotestsRun qcow2 = await CheckAsync("-qcow2", "says-format");
        Assert.That(raw.ExitCode, Is.Zero, raw.Output);
        Assert.That(qcow2.ExitCode, Is.Zero, qcow2.Output);
    }

    [TestCase("-j none", "-j needs a number")]
    [TestCase("-vmdk", "unknown option -vmdk")]
    [TestCase("no-such-script", "no script no-such-script")]
    public async Task Wrong_arguments_are_named(string arguments, string message)
    {
        IotestsRun run = await CheckAsync(arguments.Split(' '));
        Assert.That(run.ExitCode, Is.EqualTo(1), run.Output);
        Assert.That(run.Output, Does.Contain(message), "The message names the argument.");
    }

    private void Script(string name, string groups, string body, string? expected)
    {
        File.WriteAllText(Path.Combine(_folder, name), $"#!/usr/bin/env bash\n# group: {groups}\n. \"$IOTESTS_COMMON\"\n{body}\n");
        if (expected is not null)
        {
            File.WriteAllText(Path.Combine(_folder, $"{name}.out"), expected);
        }
    }

    private Task<IotestsRun> CheckAsync(params string[] arguments) =>
        CheckAsync(new Dictionary<string, string?> { ["IOTESTS_LIMIT_SECONDS"] = arguments.Contains("goes-wrong") ? "1" : "60" }, arguments);

    private Task<IotestsRun> CheckAsync(Dictionary<string, string?> environment, params string[] arguments)
    {
        environment["IOTESTS_DIR"] = _folder;
        environment["TMPDIR"] = _kept;
        environment["BLOCKGRAPH_PROG"] = "/bin/true";
        return IotestsRun.StartAsync(environment, arguments);
    }
}
