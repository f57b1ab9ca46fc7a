using System.Globalization;
using BlockGraph.BlockCore.Options;
using BlockGraph.BlockCore.Throttling;

namespace BlockGraph.Drivers.Tests.Throttle.Surfaces;

/// <summary>A call of the library, with all nineteen limits at once.</summary>
internal sealed class LibrarySurface : IThrottleSettingSurface
{
    public string Name => "library";

    public bool NeedsGroup => true;

    public string NameOf(string key) => key;

    public string RuleNameOf(string key) => key;

    public Task PrepareAsync(SurfaceWorld world, ThrottleConfig inForce, string? parentName = null)
    {
        world.MakeImplicit(inForce, parentName);
        return Task.CompletedTask;
    }

    public Task ApplyAsync(SurfaceWorld world, string? group, OptionValue limits)
    {
        world.Group.SetConfig(world.Group.Config.Merge(LimitsText.Update(limits)));
        return Task.CompletedTask;
    }

    public Task ApplySettingsAsync(SurfaceWorld world, string group, OptionsDictionary settings)
    {
        ThrottleGroup changed = world.Group;
        foreach ((string key, OptionValue value) in settings.Flatten())
        {
            switch (key)
            {
                case "burst-window":
                    changed.SetConfig(changed.Config with { BurstWindowMs = int.Parse(value.AsText!, CultureInfo.InvariantCulture) });
                    break;
                case "pacing":
                    changed.SetConfig(changed.Config with { IsPaced = value.AsText == "on" });
                    break;
                case "fair-by":
                    changed.SetConfig(changed.Config with { IsFairByCost = value.AsText == "cost" });
                    break;
            }
        }

        if (settings.TryGetValue("share", out OptionValue? share))
        {
            changed.SetShare(Share((OptionsDictionary)share));
        }

        return Task.CompletedTask;
    }

    private static ThrottleShare Share(OptionsDictionary share)
    {
        return new ThrottleShare
        {
            Weight = (int)Number("weight", 1),
            ReservationIops = Number("reservation-iops", 0),
            ReservationBps = Number("reservation-bps", 0),
            LimitIops = Number("limit-iops", 0),
            LimitBps = Number("limit-bps", 0),
        };

        long Number(string key, long fallback) => share.TryGetValue(key, out OptionValue? value) ? long.Parse(value.AsText!, CultureInfo.InvariantCulture) : fallback;
    }
}
