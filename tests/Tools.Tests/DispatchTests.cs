using System.Diagnostics;
using System.Reflection;
using BlockGraph.Tools.Dispatch;

namespace BlockGraph.Tools.Tests;

[TestFixture]
public class DispatchTests
{
    [TestCase("/usr/bin/qemu-io", "qemu-io")]
    [TestCase("qemu-img", "qemu-img")]
    [TestCase("./blockgraph", "blockgraph")]
    [TestCase("/x/blockgraph.dll", "blockgraph")]
    [TestCase("blockgraph.exe", "blockgraph")]
    public void The_name_is_the_last_part_of_the_path_without_what_a_start_adds(string path, string name) =>
        Assert.That(CalledName.Of(path), Is.EqualTo(name));

    [Test]
    public void A_process_with_a_name_of_its_own_is_blockgraph() =>
        Assert.That(CalledName.OfThisProcess(), Is.EqualTo("blockgraph"), "the test host is no link");

    [Test]
    public void The_version_is_one_line_with_a_number()
    {
        ToolRun run = ToolRun.Own("--version");
        Assert.That(run.ExitCode, Is.Zero);
        Assert.That(run.Out, Does.Match(@"^blockgraph [0-9]+\.[0-9]+\.[0-9]+\n$"));
    }

    [Test]
    public void The_entry_point_answers_version_without_a_console()
    {
        MethodInfo main = typeof(CommandDispatcher).Assembly.EntryPoint!;
        Assert.That(main.Invoke(null, [new[] { "--version" }]), Is.Zero);
    }

    [Test]
    public void The_entry_point_reports_failures_by_its_exit_code()
    {
        using Process process = Process.Start(new ProcessStartInfo(BuiltProgram.Path, ["nothing"]) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        Task<string> output = process.StandardOutput.ReadToEndAsync();
        string errors = process.StandardError.ReadToEnd();
        process.WaitForExit();
        Assert.That((process.ExitCode, output.Result), Is.EqualTo((1, "")), "the exit code, and nothing on the output");
        Assert.That(errors, Does.StartWith("blockgraph: unknown command 'nothing'"));
    }

    [Test]
    public void The_system_console_is_the_process_console()
    {
        SystemConsole console = new();
        Assert.Multiple(() =>
        {
            Assert.That(console.In, Is.SameAs(Console.In));
            Assert.That(console.Out, Console.IsOutputRedirected && OperatingSystem.IsLinux() ? Is.Not.SameAs(Console.Out) : Is.SameAs(Console.Out), "the runtime's terminal, where there is one");
            Assert.That(console.IsInputTerminal, Is.EqualTo(!Console.IsInputRedirected));
            Assert.That(console.IsOutputTerminal, Is.EqualTo(!Console.IsOutputRedirected));
            Assert.That(console.IsErrorTerminal, Is.EqualTo(!Console.IsErrorRedirected));
            Assert.That(console.OutputWidth, console.IsOutputTerminal ? Is.Positive.Or.Null : Is.Null);
        });
    }

    [Test]
    public void Help_names_every_command()
    {
        ToolRun run = ToolRun.Own("--help");
        Assert.That(run.ExitCode, Is.Zero);
        foreach (string command in new[] { "io", "bench", "graph", "plan", "throttle", "drivers", "install-links", "--version" })
        {
            Assert.That(run.Out, Does.Contain(command));
        }
    }

    [TestCase("io", "--virtual-time")]
    [TestCase("bench", "--create <SIZE>")]
    [TestCase("img", "bench")]
    [TestCase("graph", "--json")]
    [TestCase("plan", "CHANGE")]
    [TestCase("throttle", "simulate")]
    [TestCase("drivers", "NAME")]
    [TestCase("install-links", "DIR")]
    public void Every_command_has_help_of_its_own(string command, string mention)
    {
        ToolRun run = ToolRun.Own(command, "--help");
        Assert.That(run.ExitCode, Is.Zero);
        Assert.That(run.Out, Does.Contain(mention));
        Assert.That(run.Error, Is.Empty);
    }

    [TestCase("qemu-nbd")]
    [TestCase("qemu-storage-daemon")]
    public void A_link_whose_program_is_not_there_yet_says_so(string name)
    {
        ToolRun run = ToolRun.By(name, "", "info", "x.img");
        Assert.That(run.ExitCode, Is.EqualTo(1));
        Assert.That(run.Out, Is.Empty);
        Assert.That(run.Error, Does.Match($"^{name}: blockgraph [0-9.]+ does not do the work of {name} yet\n$"));
    }

    [TestCase("blockgraph: no command given (try 'blockgraph --help')")]
    [TestCase("blockgraph: unknown command 'frob' (try 'blockgraph --help')", "frob")]
    [TestCase("blockgraph: unknown command 'bnech' (did you mean 'bench'?)", "bnech")]
    [TestCase("blockgraph: unknown option '--nope'", "--nope")]
    [TestCase("blockgraph: unknown option '--nope'", "bench", "--nope", "null-co://")]
    [TestCase("blockgraph: Unrecognized command or argument 'b'.", "bench", "a", "b")]
    [TestCase("blockgraph: Required argument 'OPTIONS' missing for command: 'bench'.", "bench")]
    [TestCase("blockgraph: Required argument 'OPTIONS' missing for command: 'graph'.", "graph")]
    [TestCase("blockgraph: Required argument 'DIR' missing for command: 'install-links'.", "install-links")]
    [TestCase("blockgraph: no command of throttle given (try 'blockgraph throttle --help')", "throttle")]
    [TestCase("blockgraph: unknown command 'expalin' (did you mean 'explain'?)", "throttle", "expalin")]
    [TestCase("blockgraph: unknown command 'frob' (try 'blockgraph throttle --help')", "throttle", "frob")]
    [TestCase("blockgraph: Required argument 'OPTIONS' missing for command: 'explain'.", "throttle", "explain")]
    [TestCase("blockgraph: unknown option '--nope'", "throttle", "simulate", "--nope")]
    [TestCase("blockgraph: no command of img given (try 'blockgraph img --help')", "img")]
    [TestCase("blockgraph: unknown command 'bnech' (did you mean 'bench'?)", "img", "bnech")]
    [TestCase("blockgraph: Expecting one image file name (try 'blockgraph img bench --help')", "img", "bench")]
    [TestCase("blockgraph: no command of img given (try 'blockgraph img --help')", "img")]
    [TestCase("blockgraph: unknown command 'bnch' (did you mean 'bench'?)", "img", "bnch")]
    [TestCase("blockgraph: unrecognized option '--nope' (try 'blockgraph img bench --help')", "img", "bench", "--nope", "x")]
    public void A_wrong_command_line_is_one_line_and_exit_code_1(string error, params string[] arguments)
    {
        ToolRun run = ToolRun.Own(arguments);
        Assert.That(run.Error, Is.EqualTo(error + "\n"));
        Assert.That(run.Out, Is.Empty);
        Assert.That(run.ExitCode, Is.EqualTo(1));
    }

    [Test]
    public void An_argument_with_an_at_sign_is_no_file_of_arguments() =>
        Assert.That(ToolRun.Own("graph", "@x").Error, Does.Contain("'@x'"));
}
