using BlockGraph.BlockCore.Backend;

namespace BlockGraph.BlockCore.Tests.Backend;

/// <summary>A device that writes down what it hears.</summary>
internal sealed class RecordingDevice(string id = "dev0") : IBlockDevice
{
    public List<string> Log { get; } = [];

    public string Id => id;

    public bool IsRemovable { get; init; }

    /// <summary>What it still has to do when a drain asks: the drain waits for it.</summary>
    public Func<Task<bool>>? Poll { get; set; }

    /// <summary>Called at the end of each drain.</summary>
    public Action? Resumed { get; set; }

    public void OnMediumChanged(bool isLoaded) => Log.Add(isLoaded ? "loaded" : "unloaded");

    public void OnEjectRequested(bool isForced) => Log.Add(isForced ? "eject by force" : "eject");

    public void OnResized(long lengthBytes) => Log.Add($"resized {lengthBytes}");

    public void OnDrainedBegin() => Log.Add("drained begin");

    public async Task<bool> DrainedPollAsync()
    {
        Log.Add("drained poll");
        return Poll is not null && await Poll();
    }

    public void OnDrainedEnd()
    {
        Log.Add("drained end");
        Resumed?.Invoke();
    }
}
