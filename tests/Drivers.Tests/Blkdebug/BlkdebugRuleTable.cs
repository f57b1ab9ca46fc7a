namespace BlockGraph.Drivers.Tests.Blkdebug;

/// <summary>
/// What rules do to requests, as a table that both this driver and QEMU's own are held to. Requests are r(ead), w(rite), z(ero), d(iscard), f(lush) and
/// s(tatus), with offset+length where that is not 0+4096; results are . or the errno.
/// </summary>
internal static class BlkdebugRuleTable
{
    /// <summary>The rows: options, requests, results.</summary>
    public static IEnumerable<TestCaseData> Rows
    {
        get
        {
            // Of no event: it holds from the opening on.
            yield return Row("inject-error.0.event=none", "r w z d f", "5 5 5 5 5", "every kind, for ever");
            yield return Row("inject-error.0.event=none", "s", ".", "but status queries");
            yield return Row("inject-error.0.event=none,inject-error.0.iotype=block-status", "r s w", ". 5 .");
            yield return Row("inject-error.0.event=none,inject-error.0.once=on", "r r w", "5 . .");
            yield return Row("inject-error.0.event=none,inject-error.0.once=on,inject-error.0.iotype=read", "w r r", ". 5 .");
            yield return Row("inject-error.0.event=none,inject-error.0.once=on,inject-error.0.errno=28,inject-error.1.event=none,inject-error.1.once=on,inject-error.1.errno=13", "r r r", "28 13 .", "the first declared first");
            yield return Row("inject-error.0.event=none,inject-error.0.errno=28,inject-error.1.event=none,inject-error.1.once=on,inject-error.1.errno=13", "r r", "28 28");
            yield return Row("inject-error.0.event=none,inject-error.0.sector=8", "r r4096+512 r0+8192 r4095+1 r4096+1 r4607+1 r4608+1 f w4000+200", ". 5 5 . 5 . . . 5", "the sector's start counts");
            yield return Row("inject-error.0.event=none,inject-error.0.sector=0,inject-error.0.iotype=flush", "f", ".", "a flush covers no sector");
            yield return Row("inject-error.0.event=none,inject-error.0.sector=-1,inject-error.0.iotype=flush", "f w f f", ". . 5 5", "with nothing to flush none comes");
            yield return Row("inject-error.0.event=none,inject-error.0.sector=9223372036854775807", "r", ".", "a sector behind every image");
            yield return Row("inject-error.0.event=none,inject-error.0.errno=0", "r w", ". .");
            yield return Row("inject-error.0.event=none,inject-error.0.errno=95,inject-error.0.iotype=write-zeroes", "z", ".", "zeros fall back to buffers");
            yield return Row("inject-error.0.event=none,inject-error.0.errno=95,inject-error.0.iotype=discard", "d", ".", "a discard is advice");
            yield return Row("inject-error.0.event=none,inject-error.0.errno=5,inject-error.0.iotype=discard", "d", "5");
            yield return Row("inject-error.0.event=none,inject-error.0.state=2", "r", ".", "the machine begins in state 1");
            yield return Row("inject-error.0.event=none,inject-error.0.state=1", "r", "5");
            yield return Row("inject-error.0.event=none,inject-error.0.state=2,set-state.0.event=pwritev,set-state.0.new_state=2", "w r w", ". . .", "none comes once");
            yield return Row("inject-error.0.event=none,inject-error.0.state=1,inject-error.0.iotype=read,set-state.0.event=pwritev,set-state.0.new_state=2", "r w r", "5 . 5", "an active rule asks for no state");
            yield return Row("inject-error.0.event=none,inject-error.0.state=2,set-state.0.event=none,set-state.0.new_state=2", "r", ".", "what counts is the state before the event");
            yield return Row("inject-error.0.event=none,inject-error.0.state=1,set-state.0.event=none,set-state.0.new_state=2", "w r", "5 5");

            // Of an event: it holds from the event on.
            yield return Row("inject-error.0.event=pwritev", "r w r f", ". 5 5 5", "active from the first write on, for everything");
            yield return Row("inject-error.0.event=pwritev,inject-error.0.once=on", "r w r w", ". 5 . .");
            yield return Row("inject-error.0.event=pwritev,inject-error.0.iotype=read", "r w r r w r", ". . 5 5 . 5");
            yield return Row("inject-error.0.event=pwritev,inject-error.0.iotype=read,inject-error.0.once=on", "r w r r w r", ". . 5 . . .");
            yield return Row("inject-error.0.event=pwritev,inject-error.0.iotype=read,inject-error.0.errno=28,inject-error.1.event=none,inject-error.1.iotype=flush", "d f r w f r", ". 5 . . . 28", "an event's rules take the place of those before");
            yield return Row("inject-error.0.event=pwritev,inject-error.0.state=2,set-state.0.event=pwritev,set-state.0.new_state=2", "w w w", ". 5 5");
            yield return Row("inject-error.0.event=pwritev,inject-error.0.state=3,set-state.0.event=pwritev,set-state.0.state=1,set-state.0.new_state=2,set-state.1.event=pwritev,set-state.1.state=2,set-state.1.new_state=3", "w w w", ". . 5", "one step an event");
            yield return Row("inject-error.0.event=pwritev,inject-error.0.state=3,inject-error.1.event=pwritev,inject-error.1.state=2,inject-error.1.errno=28,set-state.0.event=pwritev,set-state.0.new_state=2,set-state.1.event=pwritev,set-state.1.new_state=3", "w w", ". 28", "of two changes the first declared");
        }
    }

    private static TestCaseData Row(string options, string requests, string results, string why = "") =>
        new TestCaseData(options, requests, results).SetArgDisplayNames(options, requests, results, why);
}
