namespace BlockGraph.Simulation.Tests.Images;

/// <summary>What is done with a whole image.</summary>
internal enum ImageWork
{
    /// <summary>It is copied into another.</summary>
    Convert,

    /// <summary>It is written into a node below.</summary>
    Commit,

    /// <summary>It gets another backing file.</summary>
    Rebase,

    /// <summary>It is held against a copy.</summary>
    Compare,
}

/// <summary>How it has ended.</summary>
/// <param name="Work">What was done.</param>
/// <param name="HasFailed">A fault has ended it.</param>
/// <param name="IsCancelled">It was cancelled on its way.</param>
internal readonly record struct ImageWorkResult(ImageWork Work, bool HasFailed, bool IsCancelled);
