package agg

// functions is the table of all aggregates.
var functions = []Function{
	{Name: "count", Usage: "count(*) or count(x)", bind: bindCount, distinct: distinctApplies},
	{Name: "count_if", Usage: "count_if(condition)", Aliases: []string{"countif"}, bind: bindCountIf},
	{Name: "sum", Usage: "sum(x)", bind: bindSum, distinct: distinctApplies},
	{Name: "avg", Usage: "avg(x)", Aliases: []string{"mean"}, bind: bindAvg, distinct: distinctApplies},
	{Name: "try_sum", Usage: "try_sum(x)", bind: bindTrySum, distinct: distinctApplies},
	{Name: "try_avg", Usage: "try_avg(x)", bind: bindTryAvg, distinct: distinctApplies},
	{Name: "min", Usage: "min(x)", bind: bindMin, distinct: distinctIgnored},
	{Name: "max", Usage: "max(x)", bind: bindMax, distinct: distinctIgnored},

	{Name: "var_samp", Usage: "var_samp(x)", Aliases: []string{"variance", "var"}, bind: bindVarSamp, distinct: distinctApplies},
	{Name: "var_pop", Usage: "var_pop(x)", bind: bindVarPop, distinct: distinctApplies},
	{Name: "stddev_samp", Usage: "stddev_samp(x)", Aliases: []string{"stddev", "std"}, bind: bindStddevSamp, distinct: distinctApplies},
	{Name: "stddev_pop", Usage: "stddev_pop(x)", bind: bindStddevPop, distinct: distinctApplies},
	{Name: "covar_samp", Usage: "covar_samp(x, y)", bind: bindCovarSamp},
	{Name: "covar_pop", Usage: "covar_pop(x, y)", bind: bindCovarPop},
	{Name: "corr", Usage: "corr(x, y)", bind: bindCorr},
	{Name: "regr_slope", Usage: "regr_slope(y, x)", bind: bindRegr(regrSlope)},
	{Name: "regr_intercept", Usage: "regr_intercept(y, x)", bind: bindRegr(regrIntercept)},
	{Name: "regr_r2", Usage: "regr_r2(y, x)", bind: bindRegr(regrR2)},
	{Name: "regr_avgx", Usage: "regr_avgx(y, x)", bind: bindRegr(regrAvgX)},
	{Name: "regr_avgy", Usage: "regr_avgy(y, x)", bind: bindRegr(regrAvgY)},
	{Name: "regr_sxx", Usage: "regr_sxx(y, x)", bind: bindRegr(regrSXX)},
	{Name: "regr_syy", Usage: "regr_syy(y, x)", bind: bindRegr(regrSYY)},
	{Name: "regr_sxy", Usage: "regr_sxy(y, x)", bind: bindRegr(regrSXY)},
	{Name: "skewness", Usage: "skewness(x)", bind: bindSkewness, distinct: distinctApplies},
	{Name: "kurtosis", Usage: "kurtosis(x)", bind: bindKurtosis, distinct: distinctApplies},

	{Name: "first", Usage: "first(x)", Aliases: []string{"first_value"}, bind: bindFirst, distinct: distinctIgnored},
	{Name: "last", Usage: "last(x)", Aliases: []string{"last_value"}, bind: bindLast},
	{Name: "any_value", Usage: "any_value(x)", bind: bindFirst, distinct: distinctIgnored},
	{Name: "arg_min", Usage: "arg_min(x, y)", Aliases: []string{"min_by"}, bind: bindArgMin},
	{Name: "arg_max", Usage: "arg_max(x, y)", Aliases: []string{"max_by"}, bind: bindArgMax},
	{Name: "array_agg", Usage: "array_agg(x)", Aliases: []string{"collect_list"}, bind: bindCollect, distinct: distinctApplies},
	{Name: "listagg", Usage: "listagg(text[, separator])", Aliases: []string{"string_agg", "group_concat"}, bind: bindListagg, distinct: distinctApplies},
	{Name: "mode", Usage: "mode(x)", bind: bindMode},
	{Name: "collect_set", Usage: "collect_set(x)", bind: bindCollectSet, distinct: distinctIgnored},

	{Name: "bool_and", Usage: "bool_and(condition)", Aliases: []string{"every"}, bind: bindBoolAnd, distinct: distinctIgnored},
	{Name: "bool_or", Usage: "bool_or(condition)", Aliases: []string{"some"}, bind: bindBoolOr, distinct: distinctIgnored},

	{Name: "bit_and", Usage: "bit_and(x)", bind: bindBitAnd, distinct: distinctIgnored},
	{Name: "bit_or", Usage: "bit_or(x)", bind: bindBitOr, distinct: distinctIgnored},
	{Name: "bit_xor", Usage: "bit_xor(x)", bind: bindBitXor, distinct: distinctApplies},

	{Name: "median", Usage: "median(x)", Aliases: []string{"approx_median"}, bind: bindMedian, distinct: distinctApplies},
	{Name: "percentile", Usage: "percentile(x, p)", Aliases: []string{"percentile_cont", "quantile", "approx_percentile", "percentile_approx", "approx_percentile_cont"}, bind: bindPercentile},
	{Name: "percentile_disc", Usage: "percentile_disc(x, p)", bind: bindPercentileDisc(false)},
	{Name: "percentile_disc_desc", Usage: "percentile_disc(p) WITHIN GROUP (ORDER BY x DESC)", bind: bindPercentileDisc(true)},
	{
		Name: "approx_count_distinct", Usage: "approx_count_distinct(x)", Aliases: []string{"approx_distinct"},
		bind: bindApproxCountDistinct, distinct: distinctIgnored,
	},

	{Name: "accuracy", Usage: "accuracy(prediction, label)", bind: bindAccuracy},
	{Name: "mae", Usage: "mae(prediction, label)", bind: bindMAE},
	{Name: "rmse", Usage: "rmse(prediction, label)", bind: bindRMSE},
	{Name: "roc_auc", Usage: "roc_auc(score, label)", bind: bindROCAUC},
	{Name: "log_loss", Usage: "log_loss(probability, label)", bind: bindLogLoss},
}
