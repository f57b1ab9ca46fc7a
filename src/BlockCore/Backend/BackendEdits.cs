using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Transactions;

namespace BlockGraph.BlockCore.Backend;

/// <summary>The changes of a graph that are about backends, beside those that <see cref="GraphEdit"/> makes itself.</summary>
public static class BackendEdits
{
    extension(GraphEdit)
    {
        /// <summary>Puts a node into a backend that has no medium. <i>QEMU: blockdev-insert-medium.</i></summary>
        public static GraphEdit Insert(BlockBackend backend, BlockNode node)
        {
            ArgumentNullException.ThrowIfNull(backend);
            ArgumentNullException.ThrowIfNull(node);
            return new InsertEdit(backend, node);
        }
    }
}
