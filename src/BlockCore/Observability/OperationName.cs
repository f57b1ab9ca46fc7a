using BlockGraph.BlockCore.Io;

namespace BlockGraph.BlockCore.Observability;

/// <summary>What metrics and spans call the kinds of requests: <c>read</c>, <c>write</c>, <c>write_zeroes</c>, <c>discard</c>, <c>flush</c>.</summary>
internal static class OperationName
{
    public static string Of(RequestKind kind) => kind switch
    {
        RequestKind.Read => "read",
        RequestKind.Write => "write",
        RequestKind.WriteZeroes => "write_zeroes",
        RequestKind.Discard => "discard",
        _ => "flush",
    };
}
