using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Options;
using BlockGraph.BlockCore.Scheduling;

namespace BlockGraph.BlockCore.Backend;

/// <summary>What a graph offers to those who hold backends. <i>QEMU: blk_new_open() and blk_insert_bs().</i></summary>
public static class BackendGraph
{
    extension(NodeGraph graph)
    {
        /// <summary>Every backend, in order of creation.</summary>
        public IReadOnlyList<BlockBackend> Backends => [.. graph.Roots.OfType<BlockBackend>()];

        /// <summary>The backend called <paramref name="name"/>, or null.</summary>
        public BlockBackend? FindBackend(string name) => graph.FindRoot(name) as BlockBackend;

        /// <summary>Opens a tree of nodes from <paramref name="options"/> (nested or flat) under a new backend. Nothing is left of a failure. Any thread.</summary>
        /// <exception cref="BlockException">The options, the storage or the permissions refuse; the message names which.</exception>
        public Task<BlockBackend> OpenAsync(OptionsDictionary options, BackendOptions? backend = null, CancellationToken cancel = default)
        {
            ArgumentNullException.ThrowIfNull(options);
            return graph.MainContext.RunAsync(() => OpenCoreAsync(graph, options, backend ?? new BackendOptions(), cancel));
        }

        /// <summary>Puts a new backend over an existing node; its home is the node's. Any thread.</summary>
        /// <exception cref="BlockException">The permissions conflict with those of the node's other users, or the name is taken.</exception>
        public Task<BlockBackend> AttachBackendAsync(BlockNode node, BackendOptions? options = null)
        {
            ArgumentNullException.ThrowIfNull(node);
            return graph.MainContext.RunAsync(() => AttachAsync(graph, node, options ?? new BackendOptions(), CancellationToken.None));
        }

        /// <summary>A backend without a medium, whose requests will be carried out in <paramref name="context"/>; the main context where null. Any thread.</summary>
        /// <exception cref="BlockException">The name is taken, or the limits contradict one another.</exception>
        public Task<BlockBackend> CreateBackendAsync(BackendOptions? options = null, AioContext? context = null) =>
            graph.MainContext.RunAsync(() => Task.FromResult(CreateEmpty(graph, options ?? new BackendOptions(), context ?? graph.MainContext)));
    }

    private static async Task<BlockBackend> OpenCoreAsync(NodeGraph graph, OptionsDictionary options, BackendOptions backendOptions, CancellationToken cancel)
    {
        graph.ThrowIfDisposed();
        NodeOpener opener = new(graph, cancel) { IsForInformation = backendOptions.IsForInformation, IsForCheck = backendOptions.ForCheck };
        BlockNode node = await opener.OpenAsync(options);
        try
        {
            graph.ThrowIfDisposed();
            graph.Step("attach backend");
            BlockBackend backend = await AttachAsync(graph, node, node.IsReadOnly ? backendOptions with { ReadOnly = true } : backendOptions, cancel);
            opener.Commit();
            return backend;
        }
        finally
        {
            node.DropReference(new GraphWriteToken(graph));
            if (node.ReferenceCount == 0)
            {
                await graph.CloseScheduledAsync();
            }
        }
    }

    private static async Task<BlockBackend> AttachAsync(NodeGraph graph, BlockNode node, BackendOptions options, CancellationToken cancel)
    {
        BlockBackend backend = Create(graph, options, node.Context);
        try
        {
            await backend.InsertAsync(node, cancel);
            backend.JoinGroup(options.Throttling);
            return backend;
        }
        catch
        {
            graph.Unregister(backend);
            throw;
        }
    }

    private static BlockBackend CreateEmpty(NodeGraph graph, BackendOptions options, AioContext context)
    {
        BlockBackend backend = Create(graph, options, context);
        backend.JoinGroup(options.Throttling);
        return backend;
    }

    private static BlockBackend Create(NodeGraph graph, BackendOptions options, AioContext context)
    {
        graph.ThrowIfDisposed();
        if (options.Name is { } name)
        {
            CheckName(graph, name);
        }

        options.Throttling?.Validate();
        BlockBackend backend = new(graph, options, context);
        graph.Register(backend);
        return backend;
    }

    private static void CheckName(NodeGraph graph, string name)
    {
        if (!NodeName.IsWellFormed(name))
        {
            throw new BlockException("Invalid device name");
        }

        if (graph.FindRoot(name) is not null)
        {
            throw new BlockException(BlockErrorKind.AlreadyExists, $"Device with id '{name}' already exists");
        }

        if (graph.FindNode(name) is not null || graph.IsNameReserved(name))
        {
            throw new BlockException(BlockErrorKind.AlreadyExists, $"Device name '{name}' conflicts with an existing node name");
        }
    }
}
