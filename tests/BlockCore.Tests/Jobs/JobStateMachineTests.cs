using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Jobs;

namespace BlockGraph.BlockCore.Tests.Jobs;

/// <summary>Every way from every state to every other, and every verb in every state.</summary>
[TestFixture]
public sealed class JobStateMachineTests
{
    // One row for each state that is left, one column for each that is entered: undefined, created, running, paused, ready, standby, waiting, pending, aborting, concluded, null.
    private static readonly string[] s_ways =
    [
        ".x.........",
        "..x.....x.x",
        "...xx.x.x..",
        "..x........",
        ".....xx.x..",
        "....x......",
        ".......xx..",
        "........xx.",
        "........xx.",
        "..........x",
        "...........",
    ];

    // One row for each verb: cancel, pause, resume, set-speed, complete, finalize, dismiss; one column for each state.
    private static readonly string[] s_verbs =
    [
        ".xxxxxxx...",
        ".xxxxx.....",
        ".xxxxx.....",
        ".xxxxx.....",
        "....xx.....",
        ".......x...",
        ".........x.",
    ];

    private static IEnumerable<TestCaseData> Ways() =>
        from leave in Enum.GetValues<JobState>()
        from enter in Enum.GetValues<JobState>()
        select new TestCaseData(leave, enter, s_ways[(int)leave][(int)enter] == 'x');

    private static IEnumerable<TestCaseData> Verbs() =>
        from verb in Enum.GetValues<JobVerb>()
        from state in Enum.GetValues<JobState>()
        select new TestCaseData(verb, state, s_verbs[(int)verb][(int)state] == 'x');

    [TestCaseSource(nameof(Ways))]
    public void A_way_is_open_or_it_is_a_bug(JobState leave, JobState enter, bool isOpen)
    {
        JobStateMachine machine = At(leave);
        Assert.That(machine.CanMoveTo(enter), Is.EqualTo(isOpen), "asked");
        if (isOpen)
        {
            machine.MoveTo(enter);
            Assert.That(machine.State, Is.EqualTo(enter), "gone");
        }
        else
        {
            Assert.That(() => machine.MoveTo(enter), Throws.TypeOf<InvariantViolationException>(), "refused");
            Assert.That(machine.State, Is.EqualTo(leave), "it has not moved");
        }
    }

    [TestCaseSource(nameof(Verbs))]
    public void A_verb_is_accepted_or_refused_with_the_text(JobVerb verb, JobState state, bool isAccepted)
    {
        JobStateMachine machine = At(state);
        Assert.That(machine.Accepts(verb), Is.EqualTo(isAccepted), "asked");
        if (isAccepted)
        {
            Assert.That(() => machine.ThrowUnlessAccepted(verb, "j"), Throws.Nothing, "accepted");
        }
        else
        {
            Assert.That(
                () => machine.ThrowUnlessAccepted(verb, "j"),
                Throws.TypeOf<BlockException>().With.Message.EqualTo($"Job 'j' in state '{state.ToText()}' cannot accept command verb '{verb.ToText()}'"),
                "refused");
        }
    }

    [Test]
    public void States_and_verbs_are_spelled_as_users_know_them()
    {
        Assert.That(
            Enum.GetValues<JobState>().Select(s => s.ToText()),
            Is.EqualTo(new[] { "undefined", "created", "running", "paused", "ready", "standby", "waiting", "pending", "aborting", "concluded", "null" }),
            "states");
        Assert.That(
            Enum.GetValues<JobVerb>().Select(v => v.ToText()),
            Is.EqualTo(new[] { "cancel", "pause", "resume", "set-speed", "complete", "finalize", "dismiss" }),
            "verbs");
    }

    // Walks there, by the shortest way.
    private static JobStateMachine At(JobState state)
    {
        Queue<JobStateMachine> open = new([default]);
        HashSet<JobState> seen = [];
        while (open.TryDequeue(out JobStateMachine machine))
        {
            if (machine.State == state)
            {
                return machine;
            }

            foreach (JobState next in Enum.GetValues<JobState>().Where(n => s_ways[(int)machine.State][(int)n] == 'x' && seen.Add(n)))
            {
                JobStateMachine moved = machine;
                moved.MoveTo(next);
                open.Enqueue(moved);
            }
        }

        throw new ArgumentException($"no way leads to {state}", nameof(state));
    }
}
