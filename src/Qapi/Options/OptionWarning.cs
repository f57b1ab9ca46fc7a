namespace BlockGraph.Qapi.Options;

/// <summary>Something deprecated that an option string does. <i>QEMU: warn_report().</i></summary>
/// <param name="Message">What is deprecated; a tool prints it behind <c>warning: </c>.</param>
/// <param name="Hint">What to write instead, a line of its own.</param>
public sealed record OptionWarning(string Message, string Hint);
