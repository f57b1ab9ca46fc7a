using System.Text.Json;

namespace BlockGraph.Tools.Tests;

/// <summary>The plan command as a user meets it.</summary>
[TestFixture]
internal sealed class PlanTests
{
    private const string Chain = "driver=throttle,node-name=top,limits.iops-total=5,file.driver=raw,file.node-name=mid,file.file.driver=null-co,file.file.node-name=leaf,file.file.size=1M";
    private const string Leaf = "driver=null-co,node-name=leaf,size=1M";

    [Test]
    public void A_possible_change_is_a_table_and_exit_code_0()
    {
        ToolRun run = ToolRun.Own("plan", Chain, "insert-filter driver=throttle,node-name=new,limits.iops-total=100 over mid");
        Assert.That(run.Out, Is.EqualTo(
            """
            1. append a new 'throttle' node over 'mid'

              change      edge                               before                            after
              added       'file' of node 'new'  leads to     -                                 mid
                                                may          -                                 consistent read, write
                                                lets others  -                                 consistent read, write unchanged
              redirected  'file' of node 'top'  leads to     mid                               new
                                                may          consistent read, write            consistent read, write
                                                lets others  consistent read, write unchanged  consistent read, write unchanged

              opened   new
              drained  top and everything above

            Possible, as far as can be told without asking the drivers, who take locks and open files.

            """), run.Error);
        Assert.That((run.ExitCode, run.Error), Is.EqualTo((0, "")));
    }

    [Test]
    public void A_conflict_is_explained_and_exit_code_1()
    {
        ToolRun run = ToolRun.Own("plan", "--blockdev", Leaf, "--blockdev", "driver=raw,node-name=left,file=leaf", "driver=raw,node-name=right,file=leaf", "attach-backend left");
        Assert.That(run.Out, Is.EqualTo(
            """
            1. insert node 'left' into block device 'new'

              change       edge                                       before      wanted
              added        'root' of block device 'new'  leads to     -           left
                                                         may          -           consistent read, write
                                                         lets others  -           consistent read, write unchanged
              permissions  'file' of node 'left'         may          nothing     consistent read, write
                                                         lets others  everything  consistent read, write unchanged

            Refused: Permission conflict on node 'leaf': permissions 'write' are both required by node 'right' (uses node 'leaf' as 'file' child) and unshared by node 'left' (uses node 'leaf' as 'file' child).

            On node 'leaf' one user needs 'write', and another does not share it:
              needed by:     'file' of node 'right' <- 'root' of an unnamed block device
              not shared by: 'file' of node 'left' <- 'root' of block device 'new'
            Either let 'root' of block device 'new' share 'write', or let 'root' of an unnamed block device do without 'write' (open it read-only).

            """), run.Error);
        Assert.That((run.ExitCode, run.Error), Is.EqualTo((1, "")), "it is the result, not a mistake");
    }

    [Test]
    public void A_node_that_would_become_read_only_under_a_writer_is_told()
    {
        ToolRun run = ToolRun.Own("plan", Chain, "reopen leaf read-only=on");
        Assert.That(run.Out, Is.EqualTo(
            """
            1. reopen node 'leaf' with read-only=on

              drained  leaf and everything above
              access   leaf becomes read-only

            Refused: Read-only block node 'leaf' cannot support read-write users

            Node 'leaf' would be read-only, and one user needs to write it:
              needed by: 'file' of node 'mid' <- 'file' of node 'top' <- 'root' of an unnamed block device
            Either open node 'leaf' read-write (read-only=off), or let 'root' of an unnamed block device do without 'write' (open it read-only).

            """), run.Error);
        Assert.That(run.ExitCode, Is.EqualTo(1));
        run = ToolRun.Own("plan", Chain, "set-permissions top read-only", "reopen leaf read-only=on");
        Assert.That(run.Out, Does.EndWith("open files.\n"), "without the writer it is possible");
        Assert.That(run.ExitCode, Is.Zero);
    }

    [Test]
    public void A_refusal_of_one_of_several_says_which()
    {
        ToolRun run = ToolRun.Own("plan", Chain, "freeze top to leaf", "drop-filter top");
        Assert.That(run.Out, Is.EqualTo(
            """
            1. freeze the chain from 'top' to 'leaf'
            2. drop filter 'top'

            Change 2 is refused: Cannot change 'file' link from 'top' to 'mid'
            The link is frozen.

            """), run.Error);
        Assert.That(run.ExitCode, Is.EqualTo(1));
    }

    [Test]
    public void What_goes_moves_and_has_no_effect_is_told()
    {
        Assert.That(ToolRun.Own("plan", Chain, "freeze top to leaf").Out, Does.Contain("frozen  'file' of node 'mid'  link  free    frozen\n"), "a link");
        Assert.That(ToolRun.Own("plan", Chain, "move leaf to context io0").Out, Does.Contain("  moved    leaf to io0\n           mid to io0\n           top to io0\n"), "a component");
        Assert.That(ToolRun.Own("plan", Chain, "detach-backend top").Out, Does.Contain("  closed   top, which nobody would use\n           mid, which nobody would use\n"), "nodes");
        Assert.That(ToolRun.Own("plan", Chain, "replace leaf by top").Out, Is.EqualTo("1. replace node 'leaf' by 'top'\n\nPossible, and without effect on nodes, edges and permissions.\n"), "nothing");
        Assert.That(ToolRun.Own("plan", "-r", Chain, "set-permissions top write").Out, Does.Contain("Refused: Block node is read-only\n"), "a read-only graph");
    }

    [Test]
    public void Json_says_the_same_for_programs()
    {
        ToolRun run = ToolRun.Own("plan", Chain, "attach-backend leaf as second", "--json");
        Assert.That(run.ExitCode, Is.EqualTo(1), run.Error);
        using JsonDocument document = JsonDocument.Parse(run.Out);
        JsonElement plan = document.RootElement;
        Assert.That(plan.GetProperty("possible").GetBoolean(), Is.False);
        Assert.That(plan.GetProperty("edits")[0].GetString(), Is.EqualTo("insert node 'leaf' into block device 'second'"));
        JsonElement edge = plan.GetProperty("edges")[0];
        Assert.That(edge.GetProperty("change").GetString(), Is.EqualTo("added"));
        Assert.That(edge.GetProperty("from").ValueKind, Is.EqualTo(JsonValueKind.Null), "it comes");
        Assert.That(edge.GetProperty("before").ValueKind, Is.EqualTo(JsonValueKind.Null), "so it had nothing");
        Assert.That(edge.GetProperty("after").GetProperty("shared").EnumerateArray().Select(e => e.GetString()), Is.EqualTo(new[] { "consistent-read", "write-unchanged" }));
        JsonElement conflict = plan.GetProperty("refusal").GetProperty("conflict");
        Assert.That(conflict.GetProperty("node-name").GetString(), Is.EqualTo("leaf"));
        Assert.That(conflict.GetProperty("permissions")[0].GetString(), Is.EqualTo("write"));
        Assert.That(conflict.GetProperty("required-by").GetProperty("parent").GetString(), Is.EqualTo("block device 'second'"));
        Assert.That(conflict.GetProperty("unshared-by").GetProperty("name").GetString(), Is.EqualTo("file"));
        Assert.That(conflict.GetProperty("explanation").GetString(), Does.StartWith("On node 'leaf'"));
    }

    [Test]
    public void Json_of_a_possible_plan_has_every_member()
    {
        ToolRun run = ToolRun.Own("plan", "--json", Chain, "set-permissions top read-only", "reopen leaf read-only=on", "move leaf to context io0", "append driver=throttle,node-name=new over mid");
        using JsonDocument document = JsonDocument.Parse(run.Out);
        JsonElement plan = document.RootElement;
        Assert.That(
            plan.EnumerateObject().Select(p => p.Name),
            Is.EqualTo(new[] { "possible", "edits", "edges", "opened", "closed", "drained-nodes", "drained-users", "moved", "access", "refusal" }));
        Assert.That(plan.GetProperty("possible").GetBoolean(), Is.True, run.Out);
        Assert.That(plan.GetProperty("opened")[0].GetString(), Is.EqualTo("new"));
        Assert.That(plan.GetProperty("drained-nodes")[0].GetString(), Is.EqualTo("leaf"));
        Assert.That(plan.GetProperty("moved")[0].GetProperty("context").GetString(), Is.EqualTo("io0"));
        Assert.That(plan.GetProperty("access")[0].GetProperty("read-only").GetBoolean(), Is.True);
        Assert.That(plan.GetProperty("refusal").ValueKind, Is.EqualTo(JsonValueKind.Null));
        run = ToolRun.Own("plan", "--json", Chain, "freeze top to leaf", "drop-filter top");
        using JsonDocument refused = JsonDocument.Parse(run.Out);
        Assert.That(refused.RootElement.GetProperty("refusal").GetProperty("edit").GetInt32(), Is.EqualTo(1), "the one that is refused");
    }

    [TestCase("'replace top': 'by' missing after 'top' (usage: replace NODE by NODE [strictly])", "replace top")]
    [TestCase("'replace': a node missing after 'replace' (usage: replace NODE by NODE [strictly])", "replace")]
    [TestCase("'replace top with mid': 'by' must stand in place of 'with' (usage: replace NODE by NODE [strictly])", "replace top with mid")]
    [TestCase("'replace top by mid please': 'please' is one word too many (usage: replace NODE by NODE [strictly])", "replace top by mid please")]
    [TestCase("'append driver=throttle mid': it must end in 'over NODE', with options in front of that (usage: append OPTIONS over NODE)", "append driver=throttle mid")]
    [TestCase("'append': options missing after 'append' (usage: append OPTIONS over NODE)", "append")]
    [TestCase("'append over mid': it must end in 'over NODE', with options in front of that (usage: append OPTIONS over NODE)", "append over mid")]
    [TestCase("'reopen mid': options missing after 'mid' (usage: reopen NODE OPTIONS)", "reopen mid")]
    [TestCase("'reopen mid read-only': Expected '=' after parameter 'read-only'", "reopen mid read-only")]
    [TestCase("'set-backing mid to': a node or 'none' missing after 'to' (usage: set-backing NODE to NODE|none)", "set-backing mid to")]
    [TestCase("'drop-intermediate top to mid as': a file name missing after 'as' (usage: drop-intermediate TOP to BOTTOM [as FILE])", "drop-intermediate top to mid as")]
    [TestCase("'move leaf to contex io0': 'context' must stand in place of 'contex' (usage: move NODE to context NAME [force])", "move leaf to contex io0")]
    [TestCase("'set-permissions top': a permission missing after 'top' (usage: set-permissions USER PERMISSION [PERMISSION...])", "set-permissions top")]
    [TestCase("'attach-backend leaf frob': 'frob' is none of read-only, write, resize, may=BITS, share=BITS (usage: attach-backend NODE [as NAME] [PERMISSION...])", "attach-backend leaf frob")]
    [TestCase("'attach-backend leaf write=1': 'write=1' is none of read-only, write, resize, may=BITS, share=BITS (usage: attach-backend NODE [as NAME] [PERMISSION...])", "attach-backend leaf write=1")]
    [TestCase("'attach-backend leaf share=wirte': 'wirte' in 'share=wirte' is none of consistent-read, write, write-unchanged, resize, all, none (usage: attach-backend NODE [as NAME] [PERMISSION...])", "attach-backend leaf share=wirte")]
    [TestCase("'attach-backend leaf read-only write': 'read-only' and 'write' exclude each other (usage: attach-backend NODE [as NAME] [PERMISSION...])", "attach-backend leaf read-only write")]
    [TestCase("'repalce top by mid': unknown change 'repalce' (did you mean 'replace'?)", "repalce top by mid")]
    [TestCase("'frobnicate': unknown change 'frobnicate' (try 'blockgraph plan --help')", "frobnicate")]
    [TestCase("an empty change (try 'blockgraph plan --help')", " ")]
    [TestCase("'drop-filter tpo': Cannot find device='tpo' nor node-name='tpo' (did you mean 'top'?)", "drop-filter tpo")]
    [TestCase("'drop-filter elsewhere': Cannot find device='elsewhere' nor node-name='elsewhere' (there are leaf, mid, top)", "drop-filter elsewhere")]
    [TestCase("'insert-filter driver=raw over mid': Driver 'raw' is not a filter (append puts an overlay over a node)", "insert-filter driver=raw over mid")]
    public void What_a_user_may_get_wrong_is_one_line(string error, string change)
    {
        ToolRun run = ToolRun.Own("plan", Chain, "freeze top to leaf", change);
        Assert.That((run.ExitCode, run.Error), Is.EqualTo((1, $"blockgraph: {error}\n")), change);
        Assert.That(run.Out, Is.Empty, change);
    }

    [Test]
    public void A_mistake_in_a_change_is_found_before_anything_is_opened()
    {
        using TemporaryFolder folder = new();
        ToolRun run = ToolRun.Own("plan", Path.Combine(folder.Path, "missing"), "frob");
        Assert.That(run.Error, Is.EqualTo("blockgraph: 'frob': unknown change 'frob' (try 'blockgraph plan --help')\n"));
        run = ToolRun.Own("plan", Path.Combine(folder.Path, "missing"), "drop-filter x");
        Assert.That(run.Error, Does.EndWith("No such file or directory\n"));
    }

    [Test]
    public void Help_lists_every_change_with_examples_that_work()
    {
        ToolRun help = ToolRun.Own("plan", "--help");
        Assert.That(help.ExitCode, Is.Zero);
        foreach (Plan.ChangeVerb verb in Plan.ChangeVerbs.All)
        {
            Assert.That(help.Out, Does.Contain($"  {verb.Usage}  "), "each change");
        }

        using TemporaryFolder folder = new();
        string image = folder.Image("t.img", 1 << 20);
        string[] examples = [.. help.OutLines.Where(line => line.StartsWith("  blockgraph plan driver", StringComparison.Ordinal) || line.StartsWith("  blockgraph plan --", StringComparison.Ordinal))];
        Assert.That(examples, Has.Length.EqualTo(4), "the examples");
        foreach (string example in examples)
        {
            // Arguments are separated by blanks, but for those in quotes.
            string[] parts = example.Replace("t.img", image, StringComparison.Ordinal).Trim().Split('"');
            string[] arguments = [.. parts.SelectMany((part, i) => i % 2 == 1 ? [part] : part.Split(' ', StringSplitOptions.RemoveEmptyEntries)).Skip(1)];
            ToolRun run = ToolRun.Own(arguments);
            Assert.That(run.Error, Is.Empty, example);
            Assert.That(run.Out, Does.Contain("Possible,").Or.Contain("Refused: Permission conflict"), example);
        }
    }

    [Test]
    public void A_plan_leaves_a_file_and_its_locks_as_they_were()
    {
        using TemporaryFolder folder = new();
        string image = folder.Image("t.img", 4096);
        DateTime written = File.GetLastWriteTimeUtc(image);
        ToolRun run = ToolRun.Own("plan", $"driver=raw,node-name=disk,file.filename={image}", "reopen disk offset=512", "append driver=throttle over disk");
        Assert.That(run.Out, Does.Contain("Possible"), run.Error);
        Assert.That(File.GetLastWriteTimeUtc(image), Is.EqualTo(written), "nobody has written");
        Assert.That(new FileInfo(image).Length, Is.EqualTo(4096));
        Assert.That(ToolRun.Own("graph", $"driver=raw,node-name=disk,file.filename={image}").ExitCode, Is.Zero, "a writer may come");
    }
}
