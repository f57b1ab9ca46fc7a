namespace BlockGraph.BlockCore.Jobs;

/// <summary>Where a job stands between its creation and its end; <see cref="JobStateMachine"/> draws the ways. <i>QEMU: JobStatus.</i></summary>
public enum JobState
{
    /// <summary>It is being made: nobody can see it.</summary>
    Undefined,

    /// <summary>It has its id and its nodes, and has not begun.</summary>
    Created,

    /// <summary>It works.</summary>
    Running,

    /// <summary>It rests, because somebody paused it or drained its nodes.</summary>
    Paused,

    /// <summary>Its target is what its source is, and it keeps it so until it is told to complete.</summary>
    Ready,

    /// <summary>It rests as in <see cref="Paused"/>, and is as far as in <see cref="Ready"/>.</summary>
    Standby,

    /// <summary>Its work is done; others of its group work on.</summary>
    Waiting,

    /// <summary>The work of its whole group is done and can be made final.</summary>
    Pending,

    /// <summary>It failed or was cancelled, alone or with its group, and takes back what it did.</summary>
    Aborting,

    /// <summary>It is over; its result can be asked for until it is dismissed.</summary>
    Concluded,

    /// <summary>It was dismissed: its id is free.</summary>
    Null,
}

/// <summary>The names of states.</summary>
public static class JobStateExtensions
{
    private static readonly string[] s_names =
        ["undefined", "created", "running", "paused", "ready", "standby", "waiting", "pending", "aborting", "concluded", "null"];

    /// <summary>The state as messages and events spell it.</summary>
    public static string ToText(this JobState state) => s_names[(int)state];
}
