using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Options;
using BlockGraph.BlockCore.Graph;

namespace BlockGraph.TestKit;

/// <summary>
/// Storage in memory, whose requests take a random time and may fail. What it stores outlives the node: tests look at
/// <see cref="Storage"/> by the name given as <c>filename</c>. As a file name: <c>memory:NAME</c>.
/// </summary>
/// <param name="chance">How long a request takes, up to <c>latency-ns-max</c>; null: always that long.</param>
public sealed class MemoryProtocol(SeededRandom? chance) : StorageProtocol
{
    private readonly Dictionary<string, MemoryStorage> _storages = [];

    /// <summary>Storage whose requests always take their longest time.</summary>
    public MemoryProtocol()
        : this(null)
    {
    }

    /// <inheritdoc/>
    public override string Name => "memory";

    /// <inheritdoc/>
    public override string Summary => "storage in memory, for tests";

    /// <summary>Every storage.</summary>
    public IEnumerable<MemoryStorage> Storages => _storages.Values;

    /// <summary>The storage called <paramref name="name"/>; made on first use, of that length and full of zeros.</summary>
    public MemoryStorage Storage(string name, int lengthBytes = 1 << 20)
    {
        if (!_storages.TryGetValue(name, out MemoryStorage? storage))
        {
            storage = new MemoryStorage(lengthBytes);
            _storages.Add(name, storage);
        }

        return storage;
    }

    /// <inheritdoc/>
    public override OptionSchema CreateOptions { get; } = new(new OptionDefinition(CreateContext.SizeOption, OptionType.Size, "length in bytes"));

    /// <summary>Makes the storage, or empties the one that is there.</summary>
    public override Task<bool> CreateAsync(CreateContext context, CancellationToken cancel)
    {
        ArgumentNullException.ThrowIfNull(context);
        string name = StorageName(context.FileName);
        bool isNew = !_storages.ContainsKey(name);
        Storage(name).Replace(new byte[context.SizeBytes]);
        return Task.FromResult(isNew);
    }

    /// <inheritdoc/>
    public override Task<bool> TryDeleteAsync(NodeGraph graph, string fileName) => Task.FromResult(_storages.Remove(StorageName(fileName)));

    /// <summary>Whether there is storage of this name.</summary>
    public bool Has(string name) => _storages.ContainsKey(name);

    private static string StorageName(string fileName) => fileName["memory:".Length..];

    /// <inheritdoc/>
    public override Task<BlockDriverInstance> OpenAsync(OpenContext context, CancellationToken cancel)
    {
        ArgumentNullException.ThrowIfNull(context);
        MemoryStorage storage = Storage(context.Options.GetString("filename")!);
        return Task.FromResult<BlockDriverInstance>(new MemoryInstance(storage, context.Options, chance));
    }
}
