using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.Options;
using BlockGraph.BlockCore.Throttling;
using BlockGraph.Qapi.Options;

namespace BlockGraph.Drivers.Tests.Throttle.Surfaces;

/// <summary>The options of a device, under their names or the old ones, which a message never has.</summary>
internal sealed class DeviceSurface(string name, bool isOld) : IThrottleSurface
{
    private const string Prefix = "throttling.";

    public string Name => name;

    public bool NeedsGroup => false;

    // What is no limit has no old name.
    public string NameOf(string key) => isOld && !ThrottleKeys.TryFind(key, out _) ? key : Prefix + key;

    public string RuleNameOf(string key) => Prefix + key;

    public Task PrepareAsync(SurfaceWorld world, ThrottleConfig inForce, string? parentName = null)
    {
        world.MakeImplicit(inForce, parentName);
        return Task.CompletedTask;
    }

    public Task ApplyAsync(SurfaceWorld world, string? group, OptionValue limits)
    {
        string groupOption = group is null ? "" : $",{(isOld ? "" : Prefix)}group={group}";
        return OpenAsync(world, groupOption + (isOld ? LimitsText.Keyval("", Old((OptionsDictionary)limits)) : LimitsText.Keyval(Prefix, limits)));
    }

    public ThrottleConfig After(ThrottleConfig inForce, ThrottleLimitsUpdate given) => SurfaceWorld.Replaced(inForce, given);

    /// <summary>Opens a device with <paramref name="options"/>, each after a comma.</summary>
    public static Task OpenAsync(SurfaceWorld world, string options)
    {
        OptionsDictionary all = KeyvalParser.Parse("driver=memory,filename=disk" + options);
        BackendOptions device = BackendOptions.TakeFrom(all);
        return world.OpenAsync(all, device);
    }

    // The lengths of bursts are younger than the prefix.
    private static OptionsDictionary Old(OptionsDictionary limits)
    {
        OptionsDictionary old = [];
        foreach ((string name, OptionValue value) in limits)
        {
            bool isKey = ThrottleKeys.TryFind(name, out ThrottleKey? key);
            old[!isKey ? name : key!.Part == ThrottleKeyPart.BurstLength ? Prefix + name : DeviceThrottleKeys.NameOf(key)] = value;
        }

        return old;
    }
}
