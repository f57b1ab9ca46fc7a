namespace BlockGraph.Tools.Img;

/// <summary>An interrupt has ended a command in the middle of filling an image, which is there all the same.</summary>
/// <param name="target">The image, as it was written.</param>
/// <param name="cause">What has ended it.</param>
internal sealed class IncompleteTargetException(string target, OperationCanceledException cause) : OperationCanceledException($"'{target}' is incomplete", cause, cause.CancellationToken);
