using BlockGraph.Architecture.Tests.Repository;

namespace BlockGraph.Architecture.Tests.Tidy;

/// <summary>Shows that each tidy rule catches what it is there for, and lets its neighbour pass.</summary>
[TestFixture]
internal sealed class TidyRuleTests
{
    private const string Place = "src/BlockCore/Graph/BlockNode.cs";

    [TestCase(400, -1, false)]
    [TestCase(401, -1, true)]
    [TestCase(401, 401, false)]
    [TestCase(450, 500, false)]
    [TestCase(501, 500, true)]
    [TestCase(400, 500, true)]
    [TestCase(801, 900, true)]
    public void A_long_file_is_caught_unless_it_shrinks(int lines, int listedLines, bool caught)
    {
        SourceFile file = new(Place, string.Concat(Enumerable.Repeat("// line\n", lines)));
        Dictionary<string, int> ratchet = listedLines < 0 ? [] : new() { [Place] = listedLines };
        Assert.That(FileLengthRule.Violations([file], ratchet).Any(), Is.EqualTo(caught), $"{lines} lines, listed {listedLines}");
    }

    [Test]
    public void A_listed_file_that_is_gone_is_caught() =>
        Assert.That(FileLengthRule.Violations([], new Dictionary<string, int> { [Place] = 500 }), Is.Not.Empty, "A stale row.");

    [TestCase("void Run()\n{\nBODY}", 67, false)]
    [TestCase("void Run()\n{\nBODY}", 68, true)]
    [TestCase("[Obsolete]\n[Pure]\nvoid Run()\n{\nBODY}", 67, false)]
    [TestCase("A()\n{\nBODY}", 68, true)]
    [TestCase("int Size\n{\nget\n{\nBODY}\n}", 68, true)]
    [TestCase("int Size =>\nBODY 1;", 70, true)]
    public void A_long_method_is_caught(string member, int bodyLines, bool caught)
    {
        string body = string.Concat(Enumerable.Repeat("// line\n", bodyLines));
        SourceFile file = new(Place, $"class A\n{{\n{member.Replace("BODY", body, StringComparison.Ordinal)}\n}}\n");
        Assert.That(MethodLengthRule.Violations(file).Any(), Is.EqualTo(caught), $"{bodyLines} lines of body in: {member}");
    }

    [TestCase(70, false)]
    [TestCase(71, true)]
    public void A_long_program_is_caught(int lines, bool caught) =>
        Assert.That(MethodLengthRule.Violations(new SourceFile("src/Tools/Program.cs", string.Concat(Enumerable.Repeat("A();\n", lines)))).Any(),
            Is.EqualTo(caught), $"{lines} lines");

    [TestCase(Place, "class BlockNode { }", false)]
    [TestCase(Place, "class CommonGround { }", false)]
    [TestCase(Place, "class OptionHelpers { }", true)]
    [TestCase(Place, "class Utils { }", true)]
    [TestCase(Place, "class A { class NodeManager { } }", true)]
    [TestCase(Place, "record StringUtility(int A);", true)]
    [TestCase(Place, "class Stream { }", true)]
    [TestCase(Place, "class StreamJob { }", false)]
    [TestCase(Place, "class Meter { }", true)]
    [TestCase(Place, "namespace BlockGraph.Drivers.Protocols.File;", true)]
    [TestCase(Place, "namespace BlockGraph.Qapi.Monitor { }", true)]
    [TestCase(Place, "namespace BlockGraph.Drivers.Protocols.HostFile;", false)]
    [TestCase("src/BlockCore/Helpers/Text.cs", "", true)]
    [TestCase("src/BlockCore/Graph/Common.cs", "", true)]
    public void A_name_to_avoid_is_caught(string path, string text, bool caught) =>
        Assert.That(NameRule.Violations(new SourceFile(path, text)).Any(), Is.EqualTo(caught), $"{path}: {text}");

    [TestCase("namespace BlockGraph.BlockCore.Graph;\nclass BlockNode { }", false)]
    [TestCase("namespace BlockGraph.BlockCore;\nclass BlockNode { }", true)]
    [TestCase("class BlockNode { }", true)]
    public void A_type_outside_of_its_folders_namespace_is_caught(string text, bool caught) =>
        Assert.That(PlaceRule.NamespaceViolations(new SourceFile(Place, text)).Any(), Is.EqualTo(caught), text);

    [TestCase("public class BlockNode { }", 0, false)]
    [TestCase("public class BlockNode { } public enum NodeState { Open } public static class BlockNodeExtensions { }", 0, false)]
    [TestCase("public class BlockNode { } public record Point(int X);", 0, false)]
    [TestCase("public class BlockNode { } public class Second {\nBODY}", 30, true)]
    [TestCase("public class BlockNode { } internal class Second {\nBODY}", 30, false)]
    [TestCase("public class OtherNode { }", 0, true)]
    public void A_second_concept_in_a_file_is_caught(string text, int bodyLines, bool caught)
    {
        string body = string.Concat(Enumerable.Repeat("// line\n", bodyLines));
        SourceFile file = new(Place, text.Replace("BODY", body, StringComparison.Ordinal));
        Assert.That(PlaceRule.ConceptViolations(file).Any(), Is.EqualTo(caught), text);
    }

    [TestCase("// TODO later", true)]
    [TestCase("throw new NotImplementedException();", true)]
    [TestCase("/* FIXME */", true)]
    [TestCase("class Hackney { }", false)]
    public void Unfinished_work_is_caught(string text, bool caught) =>
        Assert.That(UnfinishedWorkRule.Violations(new SourceFile(Place, text)).Any(), Is.EqualTo(caught), text);

    [TestCase("Thread.Sleep(1);", true)]
    [TestCase("await System.Threading.Tasks.Task.Delay(1);", true)]
    [TestCase("var now = DateTime.UtcNow;", true)]
    [TestCase("var random = new Random();", true)]
    [TestCase("Random random = new();", true)]
    [TestCase("var n = Random.Shared.Next();", true)]
    [TestCase("Random random = new(7);", false)]
    [TestCase("var text = \"Thread.Sleep(1)\"; // DateTime.Now", false)]
    [TestCase("context.Delay(1);", false)]
    public void Real_time_and_unseeded_chance_are_caught(string text, bool caught) =>
        Assert.That(ClockAndChanceRule.Violations([new SourceFile("tests/A.Tests/A.cs", text)], []).Any(), Is.EqualTo(caught), text);

    [TestCase("Thread.Sleep(1);", false)]
    [TestCase("Run();", true)]
    public void A_listed_call_passes_and_a_stale_row_is_caught(string text, bool caught)
    {
        string[][] allowances = [["tests/A.Tests/A.cs", "Thread.Sleep", "a stress run on real threads"]];
        Assert.That(ClockAndChanceRule.Violations([new SourceFile("tests/A.Tests/A.cs", text)], allowances).Any(), Is.EqualTo(caught), text);
    }

    [TestCase("src/BlockCore/Scheduling/Linux/Calls.cs", "[LibraryImport(\"libc\")]", false)]
    [TestCase("src/BlockCore/Scheduling/Calls.cs", "[LibraryImport(\"libc\")]", true)]
    [TestCase("src/BlockCore/Scheduling/Calls.cs", "[System.Runtime.InteropServices.DllImport(\"libc\")]", true)]
    [TestCase("src/BlockCore/Scheduling/Calls.cs", "[LibraryImport(\"libSystem.IO.Compression.Native\")]", false)]
    [TestCase("src/BlockCore/Scheduling/Calls.cs", "/* [DllImport] */ [Obsolete]", false)]
    public void Platform_code_outside_of_its_folder_is_caught(string path, string attribute, bool caught) =>
        Assert.That(PlatformCodeRule.Violations(new SourceFile(path, $"class Calls {{ {attribute} static extern int Close(int fd); }}")).Any(),
            Is.EqualTo(caught), path);

    [TestCase("<Project><PropertyGroup><NoWarn>$(NoWarn);CS1591</NoWarn></PropertyGroup></Project>", true)]
    [TestCase("<Project><PropertyGroup><GenerateDocumentationFile>false</GenerateDocumentationFile></PropertyGroup></Project>", true)]
    [TestCase("<Project><PropertyGroup><TreatWarningsAsErrors>false</TreatWarningsAsErrors></PropertyGroup></Project>", true)]
    [TestCase("<Project><PropertyGroup><AssemblyName>A</AssemblyName></PropertyGroup></Project>", false)]
    public void A_project_that_switches_documentation_off_is_caught(string text, bool caught) =>
        Assert.That(DocumentationRule.ProjectViolations("src/A/A.csproj", text).Any(), Is.EqualTo(caught), text);

    [Test]
    public void A_root_without_documentation_is_caught() =>
        Assert.That(DocumentationRule.RootViolations("p", "<Project><PropertyGroup /></Project>").Count(), Is.EqualTo(2), "Both settings are missing.");

    [TestCase("see /{0}/main", "work", true)]
    [TestCase("https://www.nuget{0}org", ".", true)]
    [TestCase("the network/{0} of others", "work", false)]
    public void A_trace_of_a_machine_is_caught(string format, string part, bool caught)
    {
        string text = string.Format(System.Globalization.CultureInfo.InvariantCulture, format, part);
        Assert.That(MachineTraceRule.Violations("README.md", text).Any(), Is.EqualTo(caught), text);
    }

    [Test]
    public void A_row_without_a_reason_is_refused() =>
        Assert.That(() => AllowanceFile.Parse("# comment\n\na | b | \n", "list", 3), Throws.InstanceOf<FormatException>(), "Every row has a reason.");
}
