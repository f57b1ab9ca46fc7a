namespace BlockGraph.BlockCore.Throttling;

/// <summary>What limits must obey, in the order in which users are told. The texts are contract. <i>QEMU: throttle_is_valid().</i></summary>
internal static class ThrottleConfigRules
{
    /// <summary>The text of the first rule that <paramref name="config"/> breaks; null where it is valid.</summary>
    public static string? FindError(ThrottleConfig config, string keyPrefix)
    {
        if (config.IopsSizeBytes < 0)
        {
            return "Property values cannot be negative";
        }

        if (config.BurstWindowMs is < 0 or > ThrottleConfig.BurstWindowMaxMs)
        {
            return $"burst-window value must be in the range [0, {ThrottleConfig.BurstWindowMaxMs}]";
        }

        return FindLengthOutOfRange(config, keyPrefix) ?? FindContradiction(config) ?? FindMeterError(config);
    }

    private static string? FindLengthOutOfRange(ThrottleConfig config, string keyPrefix)
    {
        for (ThrottleMeter meter = ThrottleMeter.BpsTotal; meter <= ThrottleMeter.IopsWrite; meter++)
        {
            if (config[meter].BurstLengthSeconds is < 0 or > ThrottleLimits.BurstLengthMaxSeconds)
            {
                string name = ThrottleKeys.Of(meter, ThrottleKeyPart.BurstLength).Name;
                return $"{keyPrefix}{name} value must be in the range [0, {ThrottleLimits.BurstLengthMaxSeconds}]";
            }
        }

        return null;
    }

    private static string? FindContradiction(ThrottleConfig config)
    {
        if (IsTotalMixed(config.BpsTotal.Rate, config.BpsRead.Rate, config.BpsWrite.Rate)
            || IsTotalMixed(config.IopsTotal.Rate, config.IopsRead.Rate, config.IopsWrite.Rate)
            || IsTotalMixed(config.BpsTotal.Burst, config.BpsRead.Burst, config.BpsWrite.Burst)
            || IsTotalMixed(config.IopsTotal.Burst, config.IopsRead.Burst, config.IopsWrite.Burst))
        {
            return "bps/iops/max total values and read/write values cannot be used at the same time";
        }

        bool hasIops = config.IopsTotal.Rate != 0 || config.IopsRead.Rate != 0 || config.IopsWrite.Rate != 0;
        return config.IopsSizeBytes != 0 && !hasIops ? "iops size requires an iops value to be set" : null;
    }

    private static bool IsTotalMixed(long total, long read, long write) => total != 0 && (read != 0 || write != 0);

    private static string? FindMeterError(ThrottleConfig config)
    {
        for (ThrottleMeter meter = ThrottleMeter.BpsTotal; meter <= ThrottleMeter.IopsWrite; meter++)
        {
            if (FindMeterError(config[meter]) is { } error)
            {
                return error;
            }
        }

        return null;
    }

    private static string? FindMeterError(ThrottleLimits limits)
    {
        if (limits.Rate is < 0 or > ThrottleLimits.ValueMax || limits.Burst is < 0 or > ThrottleLimits.ValueMax)
        {
            return $"bps/iops/max values must be within [0, {ThrottleLimits.ValueMax}]";
        }

        if (limits.BurstLengthSeconds == 0)
        {
            return "the burst length cannot be 0";
        }

        if (limits.Burst == 0)
        {
            return limits.BurstLengthSeconds > 1 ? "burst length set without burst rate" : null;
        }

        if (limits.BurstLengthSeconds > ThrottleLimits.ValueMax / limits.Burst)
        {
            return "burst length too high for this burst rate";
        }

        if (limits.Rate == 0)
        {
            return "bps_max/iops_max require corresponding bps/iops values";
        }

        return limits.Burst < limits.Rate ? "bps_max/iops_max cannot be lower than bps/iops" : null;
    }
}
