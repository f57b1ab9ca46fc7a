using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Io;
using BlockGraph.BlockCore.Scheduling;

namespace BlockGraph.BlockCore.Requests;

/// <summary>
/// The requests of an edge that cannot go straight on: from a context that the child's driver does not work on, they go home and come
/// back; while the parent is being opened, when no user's request covers them, they are counted at the parent. They may allocate.
/// </summary>
internal static class EdgeDetour
{
    public static ValueTask ReadAsync(BlockChild edge, long offset, IoVector buffer, RequestFlags flags, CancellationToken cancel) =>
        RunAsync(edge, () => edge.ReadHere(edge.Plan(), offset, buffer, flags, cancel));

    public static ValueTask WriteAsync(BlockChild edge, long offset, IoVector buffer, RequestFlags flags, CancellationToken cancel) =>
        RunAsync(edge, () => edge.WriteHere(edge.Plan(), offset, buffer, flags, cancel));

    public static ValueTask WriteZeroesAsync(BlockChild edge, long offset, long length, RequestFlags flags, CancellationToken cancel) =>
        RunAsync(edge, () => edge.WriteZeroesHere(offset, length, flags, cancel));

    public static ValueTask DiscardAsync(BlockChild edge, long offset, long length, CancellationToken cancel) =>
        RunAsync(edge, () => edge.DiscardHere(offset, length, cancel));

    public static ValueTask FlushAsync(BlockChild edge, CancellationToken cancel) =>
        RunAsync(edge, () => FlushRequest.RunAsync(edge.Node, cancel));

    public static ValueTask WriteLengthAsync(BlockChild edge, long lengthBytes, bool isExact, PreallocationMode preallocation, RequestFlags flags, CancellationToken cancel) =>
        RunAsync(edge, () => LengthRequest.RunAsync(edge, lengthBytes, isExact, preallocation, flags, cancel));

    public static async ValueTask<BlockStatus> GetStatusAsync(BlockChild edge, BlockStatusQuery wanted, long offset, long length, CancellationToken cancel)
    {
        BlockStatus status = default;
        await RunAsync(edge, async () => status = await StatusQuery.RunAsync(edge.Node, wanted, offset, length, cancel));
        return status;
    }

    public static async ValueTask<bool> TryCopyFromAsync(BlockChild edge, long offset, long length, CopyTarget target, RequestFlags flags, CancellationToken cancel)
    {
        bool isCopied = false;
        await RunAsync(edge, async () => isCopied = await CopyRequest.FromAsync(edge, offset, length, target, flags, cancel));
        return isCopied;
    }

    public static async ValueTask<bool> TryCopyToAsync(BlockChild edge, CopySource source, long offset, long length, RequestFlags flags, CancellationToken cancel)
    {
        bool isCopied = false;
        await RunAsync(edge, async () => isCopied = await CopyRequest.ToAsync(edge, source, offset, length, flags, cancel));
        return isCopied;
    }

    private static async ValueTask RunAsync(BlockChild edge, Func<ValueTask> request)
    {
        BlockNode? opening = edge.Parent.AsNode is { HasInstance: false } parent ? parent : null;
        AioContext? origin = AioContext.Current;
        opening?.Work.Begin();
        try
        {
            // Somebody's count covers the request: nothing moves before it is over.
            await edge.Plan().Target.Context.SwitchTo();
            await request();
        }
        finally
        {
            await AioContext.ReturnTo(origin);
            opening?.Work.End();
        }
    }
}
