using BlockGraph.BlockCore.Io;

namespace BlockGraph.BlockCore.Requests;

/// <summary>Hears of every request that a node completes, on the node's context. It must neither block nor throw.</summary>
public interface INodeObserver
{
    /// <summary>A request is over.</summary>
    /// <param name="kind">What it did.</param>
    /// <param name="lengthBytes">Its length.</param>
    /// <param name="startNs">When it reached the node, in nanoseconds of the context's clock.</param>
    /// <param name="endNs">When it completed.</param>
    /// <param name="isSuccess">Whether it succeeded.</param>
    void OnRequestDone(RequestKind kind, long lengthBytes, long startNs, long endNs, bool isSuccess);
}
