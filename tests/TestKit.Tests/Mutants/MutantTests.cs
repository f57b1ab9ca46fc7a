using System.Reflection;
using BlockGraph.BlockCore.DriverModel;
using BlockGraph.TestKit.Conformance;

namespace BlockGraph.TestKit.Tests.Mutants;

/// <summary>Each check of the conformance suite fails for a driver with the fault that it is there to find.</summary>
[TestFixture]
internal sealed class MutantTests
{
    private static readonly (FilterFault Fault, string Check, string Complaint)[] s_filters =
    [
        (FilterFault.DropsTail, nameof(DriverConformance.Reads_return_what_was_written), "byte "),
        (FilterFault.IgnoresZeroWrites, nameof(DriverConformance.Zero_writes_read_as_zeros), "after a zero write"),
        (FilterFault.ZeroesTooMuch, nameof(DriverConformance.Zero_writes_read_as_zeros), "after a zero write"),
        (FilterFault.DiscardsTooMuch, nameof(DriverConformance.A_discard_leaves_the_old_bytes_or_zeros), "after a discard"),
        (FilterFault.LiesAboutZeros, nameof(DriverConformance.Status_says_what_reads_show), "says zeros, and there is something else"),
        (FilterFault.LiesAboutOffsets, nameof(DriverConformance.Status_says_what_reads_show), "where other bytes are"),
        (FilterFault.RemembersLength, nameof(DriverConformance.A_change_of_length_keeps_the_rest), "a length of "),
        (FilterFault.SwallowsOpenErrors, nameof(DriverConformance.Opening_that_fails_at_any_step_leaves_nothing), "Exception"),
        (FilterFault.WritesLater, nameof(DriverConformance.A_drain_waits_for_requests_and_holds_new_ones), "the storage was called during a drain"),
        (FilterFault.RemembersContext, nameof(DriverConformance.Requests_follow_their_node_to_another_context), "Invariant violated: _context.IsHome"),
        (FilterFault.ShiftsOnReopen, nameof(DriverConformance.A_reopen_changes_its_options_only), "byte "),
        (FilterFault.ReopensTooEarly, nameof(DriverConformance.A_reopen_changes_its_options_only), "after reopens that failed"),
        (FilterFault.NeverCloses, nameof(DriverConformance.Closing_is_possible_in_every_state), "deadlock"),
        (FilterFault.FailsToClose, nameof(DriverConformance.Closing_is_possible_in_every_state), "failed to close: on purpose"),
        (FilterFault.CancelsTooLate, nameof(DriverConformance.A_cancelled_request_has_no_effect), "that was cancelled"),
        (FilterFault.Allocates, nameof(DriverConformance.A_request_allocates_nothing), "have allocated"),
        (FilterFault.AsksForNoPermission, nameof(LayerConformance.A_flush_reaches_the_storage), "a flush did not reach the storage"),
        (FilterFault.ClaimsForceUnitAccess, nameof(LayerConformance.A_flush_reaches_the_storage), "after a write with force unit access"),
        (FilterFault.WritesLater, nameof(LayerConformance.A_loss_of_power_loses_nothing_that_was_flushed), "byte "),
        (FilterFault.SwallowsErrors, nameof(LayerConformance.A_failing_storage_call_costs_one_request), "no request did"),
        (FilterFault.SwallowsErrors, nameof(LayerConformance.Failures_at_random_cost_the_requests_they_hit), "byte "),
        (FilterFault.HangsAfterErrors, nameof(LayerConformance.A_failing_storage_call_costs_one_request), "deadlock"),
        (FilterFault.IgnoresReadErrorsInOpen, nameof(LayerConformance.Opening_over_failing_storage_leaves_nothing), "opening succeeded"),
        (FilterFault.WritesInOpen, nameof(LayerConformance.Opening_over_failing_storage_leaves_nothing), "has changed the storage"),
        (FilterFault.Inverts, nameof(FilterConformance<PassThroughDriver>.A_filter_shows_its_child), "what the child holds"),
    ];

    private static readonly (FormatFault Fault, string Check, string Complaint)[] s_formats =
    [
        (FormatFault.RecognisesAnything, nameof(FormatConformance<BrokenFormatDriver>.The_format_is_recognised), "the driver takes zeros for an image"),
        (FormatFault.CopiesNothing, nameof(FormatConformance<BrokenFormatDriver>.A_backing_node_shows_where_nothing_was_written), "byte "),
        (FormatFault.AllocatesUnlocked, nameof(FormatConformance<BrokenFormatDriver>.First_writes_of_one_place_keep_each_other), "byte "),
        (FormatFault.WritesMapFirst, nameof(LayerConformance.A_loss_of_power_loses_nothing_that_was_flushed), "after a loss of power"),
        (FormatFault.MapsBeforeWriting, nameof(LayerConformance.A_failing_storage_call_costs_one_request), "after call "),
        (FormatFault.GrowsOverBacking, nameof(FormatConformance<BrokenFormatDriver>.What_an_image_grows_by_hides_the_backing_node), "what is new shows the backing node"),
        (FormatFault.ForgetsNames, nameof(FormatConformance<BrokenFormatDriver>.The_header_names_what_is_left_below), "is not what the bottom of its chain has"),
        (FormatFault.TrustsHeader, nameof(FormatConformance<BrokenFormatDriver>.A_damaged_image_is_refused_or_read), "Exception"),
        (FormatFault.FindsLeaks, nameof(FormatConformance<BrokenFormatDriver>.A_check_finds_nothing_wrong), "a check finds "),
    ];

    private static IEnumerable<TestCaseData> FilterMutants => s_filters.Select(row => new TestCaseData(row.Fault, row.Check, row.Complaint).SetName($"{row.Fault} is found by {row.Check}"));

    private static IEnumerable<TestCaseData> FormatMutants => s_formats.Select(row => new TestCaseData(row.Fault, row.Check, row.Complaint).SetName($"{row.Fault} is found by {row.Check}"));

    [TestCaseSource(nameof(FilterMutants))]
    public void A_broken_filter_is_found(FilterFault fault, string check, string complaint) =>
        AssertFound(new FilterSuite<BrokenFilterDriver>(() => new BrokenFilterDriver(fault)), check, complaint);

    [TestCaseSource(nameof(FormatMutants))]
    public void A_broken_format_is_found(FormatFault fault, string check, string complaint) =>
        AssertFound(new FormatSuite<BrokenFormatDriver>(() => new BrokenFormatDriver(fault)), check, complaint);

    [Test]
    public void Every_check_has_a_mutant()
    {
        string[] checks = [.. ChecksOf(typeof(FilterConformance<PassThroughDriver>)).Concat(ChecksOf(typeof(FormatConformance<BrokenFormatDriver>))).Select(m => m.Name).Distinct()];
        Assert.That(checks, Has.Length.GreaterThan(20), "the checks were found");
        Assert.That(checks.Except(s_filters.Select(r => r.Check)).Except(s_formats.Select(r => r.Check)), Is.Empty, "checks that nobody has seen fail");
    }

    [Test]
    public void Every_fault_is_somebodys_to_find()
    {
        Assert.That(Enum.GetValues<FilterFault>().Except(s_filters.Select(r => r.Fault)), Is.EqualTo(new[] { FilterFault.None }), "of filters");
        Assert.That(Enum.GetValues<FormatFault>().Except(s_formats.Select(r => r.Fault)), Is.EqualTo(new[] { FormatFault.None }), "of formats");
    }

    private static IEnumerable<MethodInfo> ChecksOf(Type suite) => suite.GetMethods().Where(m => m.GetCustomAttribute<TestAttribute>() is not null);

    // With every seed that the check is made for, until one of them shows it.
    private static void AssertFound(DriverConformance suite, string check, string complaint)
    {
        MethodInfo method = ChecksOf(suite.GetType()).Single(m => m.Name == check);
        List<string> complaints = [];
        foreach (object[] arguments in ArgumentsOf(method))
        {
            try
            {
                method.Invoke(suite, arguments);
            }
            catch (TargetInvocationException error) when (error.InnerException is AssertionException failure)
            {
                complaints.Add(failure.Message);
                if (failure.Message.Contains(complaint, StringComparison.Ordinal))
                {
                    return;
                }
            }
        }

        Assert.Fail($"nobody complained about '{complaint}', only: {string.Join('\n', complaints)}");
    }

    private static object[][] ArgumentsOf(MethodInfo check) => check.GetParameters() switch
    {
        [] => [[]],
        [{ ParameterType: var type }] when type == typeof(bool) => [[false], [true]],
        _ => [[1], [2], [3]],
    };

    /// <summary>The suite of filters, for any driver.</summary>
    private sealed class FilterSuite<TDriver>(Func<TDriver> make) : FilterConformance<TDriver>
        where TDriver : BlockDriver, new()
    {
        protected override BlockDriver CreateDriver() => make();
    }

    /// <summary>The suite of formats, for any driver of the toy's images.</summary>
    private sealed class FormatSuite<TDriver>(Func<TDriver> make) : FormatConformance<TDriver>
        where TDriver : BlockDriver, new()
    {
        protected override BlockDriver CreateDriver() => make();

        protected override byte[] MakeImage(long lengthBytes) => BrokenFormatDriver.MakeImage(lengthBytes);
    }
}
